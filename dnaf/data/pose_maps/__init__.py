"""Keypoints -> images, one module for each renderer, and how they are stored."""
