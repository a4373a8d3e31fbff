"""A local page in the browser on which people try the trained model."""
