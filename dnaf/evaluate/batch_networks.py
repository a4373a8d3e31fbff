"""What the networks make of a batch of pairs: LPIPS of each, and features of its images."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from dnaf.evaluate.comparison import Comparison
from dnaf.evaluate.networks.features import FeatureNetwork, WeightFiles, named
from dnaf.evaluate.networks.lpips import Lpips
from dnaf.evaluate.protocols.protocol import Protocol

_LPIPS_WEIGHTS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
_LPIPS_METRICS = {"alex": "lpips", "vgg": "lpips_vgg", "squeeze": "lpips_squeeze"}


def lpips_networks(protocol: Protocol, weights: WeightFiles, device: torch.device) -> dict[str, Lpips]:
    """LPIPS networks by the name of their metric, `_random` behind it where they have no trained weights.

    Raises:
        DataError: a weights file is missing or another one.
    """
    networks = {}
    for net in protocol.lpips_nets:
        network = Lpips(net, protocol.lpips_scaled, weights[_LPIPS_WEIGHTS[net]]).to(device)
        networks[named(_LPIPS_METRICS[net], network.is_random)] = network
    return networks


@dataclass(frozen=True)
class Networks:
    """Everything a batch goes through.

    Attributes:
        features: networks whose features are compared as sets.
        lpips: networks that compare pairs, by the name of their metric.
    """

    features: Mapping[str, FeatureNetwork]
    lpips: Mapping[str, Lpips]

    def features_of(self, batch: Comparison) -> "BatchFeatures":
        """The pairs' metrics with distances added, and features of images that no earlier pair had."""
        rows = [dict(row) for row in batch.rows]
        light = replace(
            batch, rows=rows, real=None, generated=None, masks=None
        )  # all batches are kept, their pixels not
        if batch.real is None or batch.generated is None:
            return BatchFeatures(light, {})
        targets = [target for _, target in batch.pairs]
        _, once, of = np.unique(targets, return_index=True, return_inverse=True)
        real, masks = batch.real[once], batch.masks if batch.masks is None else batch.masks[once]
        for metric, network in self.lpips.items():
            _add(rows, metric, network.distances(real, batch.generated, real_of=of))
            if masks is not None and metric in ("lpips", "lpips_random"):
                masked = network.distances(real, batch.generated, masks, of)
                _add(rows, metric.replace("lpips", "lpips_masked"), masked)
        new = batch.generated[batch.is_new]
        features = {name: network.features(new) for name, network in self.features.items() if len(new)}
        return BatchFeatures(light, features)


@dataclass(frozen=True)
class BatchFeatures:
    """A batch after the networks.

    Attributes:
        batch: its pairs and their metrics, without pixels.
        features: of the images that are new in it, by network.
    """

    batch: Comparison
    features: dict[str, NDArray[np.float32]]


def _add(rows: list[dict[str, float]], metric: str, distances: NDArray[np.float64]) -> None:
    for row, distance in zip(rows, distances, strict=True):
        row[metric] = float(distance)
