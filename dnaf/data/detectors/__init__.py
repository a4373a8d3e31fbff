"""Poses and faces in images, by networks of other projects."""
