"""Where the metrics' networks get their weights: a known file, or a seed. Never from the network."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from dnaf.core import commands, seeds
from dnaf.core.errors import DataError, one_line
from dnaf.weights.registry import KnownWeights, check

RANDOM_WEIGHTS_SEED = 0
"""Not the root seed, so that the `_random` metrics of runs with different root seeds stay comparable."""


def initialise(network: nn.Module, known: KnownWeights, path: Path | None) -> str:
    """Fills a network in place, in float32, and returns where its weights come from.

    Args:
        network: may be on the meta device, which spares the time to draw weights that are then replaced.
        path: a state dict saved by torch or safetensors; None fills the network with random weights that keep
            the size of activations from layer to layer (He et al. 2015), the same ones in every run.

    Returns:
        The sha256 of the file, or `random, seed N`: for the result's protocol block.

    Raises:
        DataError: the file is missing, another version, or does not fit the network tensor by tensor.
    """
    if path is None:
        _randomise(network)
        return f"random, seed {RANDOM_WEIGHTS_SEED}"
    found = check(known, path)
    try:
        network.load_state_dict(_read(path), assign=True)
    # The two formats raise RuntimeError, UnpicklingError, EOFError, KeyError and more on other files.
    except Exception as error:
        reason = one_line(error)
        raise DataError(
            f"{path}: not weights of this network ({reason}). Remove the file and run "
            f"`{commands.stage('fetch_weights', known.name)}`."
        ) from error
    network.float()
    return found


def channels(values: tuple[float, float, float]) -> torch.Tensor:
    """One number a channel, as a tensor (1, 3, 1, 1) that goes with images (B, 3, H, W)."""
    return torch.tensor(values).view(1, 3, 1, 1)


def _read(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _randomise(network: nn.Module) -> None:
    seed = seeds.seed(RANDOM_WEIGHTS_SEED, "random weights", type(network).__name__)
    generator = torch.Generator().manual_seed(seed)
    network.to_empty(device="cpu")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
