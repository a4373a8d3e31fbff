"""Other people's weights: base models and style encoders, checked before they are loaded."""
