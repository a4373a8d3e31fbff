"""The published split: which image pairs are trained on and tested."""
