"""The DNAF model: its parts, and how they are put together, saved and loaded."""
