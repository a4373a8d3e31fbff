"""The page that a browser opens from disk, with its templates and libraries."""
