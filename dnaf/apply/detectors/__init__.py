"""Poses of photographs, by networks of other projects."""
