"""FID, KID and other Frechet distances: between all real and all generated images, seen by a network."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dnaf.evaluate.metrics.metric import SetMetric, named
from dnaf.evaluate.metrics.registry import METRICS
from dnaf.evaluate.networks.features import FeatureNetwork
from dnaf.evaluate.reference import ReferenceSet


def set_distances(
    networks: Mapping[str, FeatureNetwork],
    real: Mapping[str, ReferenceSet],
    generated: Mapping[str, NDArray[np.float32]],
    outfits: Sequence[str],
    num_bootstrap: int,
    root_seed: int,
) -> dict[str, float]:
    """Each metric, and `<name>_low` and `<name>_high` around it unless there are no resamplings.

    Args:
        networks: by name, as `real` and `generated`.
        generated: features (N, D), finite.
        outfits: of each row, what is resampled.
    """
    distances: dict[str, float] = {}
    for metric in METRICS:
        if not isinstance(metric, SetMetric) or metric.network not in networks:
            continue
        known, features = real[metric.network], generated[metric.network]
        name = named(metric.column.key, networks[metric.network].is_random)
        distances[name] = metric.measure(known, features)
        if num_bootstrap:
            distances[f"{name}_low"], distances[f"{name}_high"] = metric.interval(
                known, features, outfits, num_bootstrap, root_seed, name
            )
    return distances
