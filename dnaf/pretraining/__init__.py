"""Pretraining: drawn people, an autoencoder, a plain denoiser. Nothing of it runs in the pipeline itself."""
