"""FID, KID and other Frechet distances: between all real and all generated images, seen by a network."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dnaf.evaluate.metrics.frechet import frechet_distance, frechet_interval
from dnaf.evaluate.metrics.kid import kid, kid_interval
from dnaf.evaluate.networks.dinov2 import Dino
from dnaf.evaluate.networks.efficientnet import EfficientNet
from dnaf.evaluate.networks.features import FeatureNetwork, named
from dnaf.evaluate.networks.inception import Inception
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
    metrics: dict[str, float] = {}
    for key, network in networks.items():
        known, features = real[key], generated[key]
        name = _frechet_name(network)
        metrics[name] = frechet_distance(known.statistics, features)
        if num_bootstrap:
            metrics[f"{name}_low"], metrics[f"{name}_high"] = frechet_interval(
                known.statistics, features, outfits, num_bootstrap, root_seed, name
            )
        if not isinstance(network, Inception):
            continue
        name = named("kid", network.is_random)
        metrics[name] = kid(known.features, known.kernel_mean, features)
        if num_bootstrap:
            metrics[f"{name}_low"], metrics[f"{name}_high"] = kid_interval(
                known.features, known.kernel_mean, features, outfits, num_bootstrap, root_seed, name
            )
    return metrics


def _frechet_name(network: FeatureNetwork) -> str:
    """FID is the distance in Inception's features; the others are named after their network."""
    if isinstance(network, Dino):
        return "fd_dinov2"
    if isinstance(network, EfficientNet):
        return "fd_efficientnet"
    return named("fid", network.is_random)
