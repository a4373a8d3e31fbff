"""Applications of a trained model, without any more training: pictures of one's own in, pictures out."""
