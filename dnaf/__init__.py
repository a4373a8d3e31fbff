"""Pose-guided person image synthesis: data, the DNAF model, training, generation and honest evaluation."""
