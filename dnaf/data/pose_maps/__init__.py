"""Keypoints -> pictures, one module for each renderer, and how they are stored."""
