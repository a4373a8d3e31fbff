"""Where the metrics' networks get their weights: a known file, or a seed. Never from the network."""

from pathlib import Path

import torch
from torch import nn

from dnaf import seeds
from dnaf.errors import DataError
from dnaf.files import digest


def initialise(network: nn.Module, weights: Path | None, expected_digest: str, seed: int) -> str:
    """Fills a network in place and returns where its weights come from, for the result's protocol block.

    Args:
        weights: a state dict saved by torch; None fills the network with random weights that keep the size of
            activations from layer to layer (He et al. 2015), a function of `seed` alone.
        expected_digest: first hex digits of the file's sha256.

    Returns:
        The sha256 of the file, or `random, seed N`.

    Raises:
        DataError: the file is missing, another version, or does not fit the network tensor by tensor.
    """
    if weights is None:
        _randomise(network, seed)
        return f"random, seed {seed}"
    try:
        found = digest(weights)
    except OSError as error:
        raise DataError(
            f"{weights}: could not be read ({error.strerror}). Put the weights there or set the key to null."
        ) from error
    if not found.startswith(expected_digest):
        raise DataError(
            f"{weights}: not the expected weights (found sha256 {found[:16]}…, expected {expected_digest}…). "
            "Download the file again."
        )
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    # torch.load raises RuntimeError, UnpicklingError, EOFError, KeyError and more on files of another kind.
    except Exception as error:
        raise DataError(
            f"{weights}: not weights of this network ({' '.join(str(error).split())[:200]})."
        ) from error
    return found


def _randomise(network: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seeds.seed(seed, "random weights", type(network).__name__))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
