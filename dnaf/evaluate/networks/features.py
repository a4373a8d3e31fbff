"""The networks whose features are compared as sets: Inception for FID and KID, EfficientNet-Lite0, DINOv2."""

import typing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dnaf.core.config import WeightFiles
from dnaf.evaluate.protocols.protocol import Protocol

INCEPTION, EFFICIENTNET, DINO = "inception", "efficientnet_lite0", "dinov2"


class FeatureNetwork(typing.Protocol):
    """A network that looks at images one by one.

    Attributes:
        is_random: whether the weights are random.
        provenance: of the weights.
    """

    is_random: bool
    provenance: str

    def features(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Features (B, D) of RGB images (B, H, W, 3)."""


def feature_networks(
    protocol: Protocol, weights: WeightFiles, root: Path, device: torch.device
) -> dict[str, FeatureNetwork]:
    """The networks that a protocol needs, by name; none where it has no FID.

    Args:
        root: the folder `data`, where the weights are that need no download.

    Raises:
        DataError: a weights file is missing or another one.
        StateError: the weights in `root` are incomplete or were changed.
    """
    if protocol.fid_network is None:
        return {}
    # Only now what takes seconds to import: a protocol without networks needs none of it.
    from dnaf.evaluate.networks.dinov2 import Dino
    from dnaf.evaluate.networks.efficientnet import FOLDER, EfficientNet
    from dnaf.evaluate.networks.inception import Inception

    inception = Inception(protocol.fid_network, weights[f"inception_{protocol.fid_network}"])
    networks: dict[str, FeatureNetwork] = {INCEPTION: inception.to(device)}
    networks[EFFICIENTNET] = EfficientNet(root / FOLDER).to(device)
    if dino := weights["dinov2"]:
        networks[DINO] = Dino(dino).to(device)
    return networks
