"""What the networks make of a batch of pairs: distances of each, and features of its images."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from dnaf.core.config import WeightFiles
from dnaf.evaluate.comparison import Comparison
from dnaf.evaluate.metrics.metric import NetworkMetric, PairNetwork, named
from dnaf.evaluate.metrics.registry import METRICS
from dnaf.evaluate.networks.features import FeatureNetwork
from dnaf.evaluate.protocols.protocol import Protocol

_MASKED = {
    named(metric.columns[0].key, is_random): named(metric.columns[1].key, is_random)
    for metric in METRICS
    if isinstance(metric, NetworkMetric) and len(metric.columns) == 2
    for is_random in (False, True)
}


def pair_networks(protocol: Protocol, weights: WeightFiles, device: torch.device) -> dict[str, PairNetwork]:
    """Networks by the key of their metric, `_random` behind it where they have no trained weights.

    Raises:
        DataError: a weights file is missing or another one.
    """
    networks = {}
    for metric in METRICS:
        network = metric.build(protocol, weights) if isinstance(metric, NetworkMetric) else None
        if network is not None:
            networks[named(metric.columns[0].key, network.is_random)] = network.to(device)
    return networks


@dataclass(frozen=True)
class Networks:
    """Everything a batch goes through.

    Attributes:
        features: networks whose features are compared as sets.
        pairs: networks that compare pairs, by the key of their metric.
    """

    features: Mapping[str, FeatureNetwork]
    pairs: Mapping[str, PairNetwork]

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
        for metric, network in self.pairs.items():
            _add(rows, metric, network.distances(real, batch.generated, real_of=of))
            if masks is not None and metric in _MASKED:
                _add(rows, _MASKED[metric], network.distances(real, batch.generated, masks, of))
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
