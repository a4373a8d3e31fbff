"""Pose-guided person image synthesis: data, the DNAF model, training, generation and honest evaluation."""

from importlib.metadata import version

__version__ = version("dnaf")
