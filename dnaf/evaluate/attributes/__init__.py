"""Patterns and colours of drawn people's tops, read from images: what texture a model carries over."""
