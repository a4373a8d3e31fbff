"""The DNAF model: its components, and how they are put together, saved and loaded."""
