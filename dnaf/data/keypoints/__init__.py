"""Every dialect of keypoints -> points (N, 18, 2)."""
