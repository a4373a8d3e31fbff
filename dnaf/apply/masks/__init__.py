"""Where garments and persons are in an image: by a pose or by a human parser; and how masks end."""
