"""Applications of a trained model, without any more training: images of one's own in, images out."""
