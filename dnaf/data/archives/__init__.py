"""Containers as users have them: zip, tar, rar and folders. Nothing in them is trusted."""
