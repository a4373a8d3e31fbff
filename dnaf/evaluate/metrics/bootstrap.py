"""Confidence intervals by resampling whole outfits.

The pairs of one outfit share clothes and images; resampling them one by one would make intervals too narrow.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dnaf.core import seeds

_CONFIDENCE = 0.95

Values = NDArray[np.float64]


def resample_groups(
    groups: Sequence[str], num_resamplings: int, root_seed: int, metric: str
) -> tuple[NDArray[np.intp], Values]:
    """Draws as many groups as there are, with replacement, again and again.

    Args:
        groups: the group of each pair (N).
        metric: the same groups, root seed and metric give the same draws.

    Returns:
        The number of each pair's group (N), from 0 to G - 1, and how often each resampling (R, G) drew each.
        Neither is to be written to.
    """
    return _draw(tuple(groups), num_resamplings, root_seed, metric)


@lru_cache(maxsize=1)  # a table compares method after method with the best of a column, by the same draws
def _draw(
    groups: tuple[str, ...], num_resamplings: int, root_seed: int, metric: str
) -> tuple[NDArray[np.intp], Values]:
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    generator = seeds.generator(root_seed, "bootstrap", metric)
    times_drawn = np.empty((num_resamplings, len(names)))
    for row in times_drawn:
        row[:] = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
    for array in (index, times_drawn):
        array.flags.writeable = False
    return index, times_drawn


def percentile_interval(values: Values) -> tuple[float, float]:
    """The middle 95 % of the values (R) of the resamplings."""
    tail = (1 - _CONFIDENCE) / 2  # 2.5 % at each end
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)


def bootstrap_interval(
    values: Values, groups: Sequence[str], num_resamplings: int, root_seed: int, metric: str
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of `values` (N,).

    Args:
        groups: the outfit of each value (N).
        metric: the same root seed and metric give the same interval.
    """
    return ratio_interval(values, np.ones(len(values)), groups, num_resamplings, root_seed, metric)


def median_interval(
    values: Values, groups: Sequence[str], num_resamplings: int, root_seed: int, metric: str
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the median of `values` (N,).

    Args: as of `bootstrap_interval`.
    """
    index, times_drawn = resample_groups(groups, num_resamplings, root_seed, metric)
    copies = times_drawn.astype(np.intp)[:, index]
    return percentile_interval(np.array([np.median(np.repeat(values, row)) for row in copies]))


def ratio_interval(
    numerators: Values,
    denominators: Values,
    groups: Sequence[str],
    num_resamplings: int,
    root_seed: int,
    metric: str,
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the sum of `numerators` (N,) by the sum of `denominators` (N,).

    Args: as of `bootstrap_interval`.
    """
    # In resampling r: sum_g c_rg part_g / sum_g c_rg whole_g, with c_rg the times that group g was drawn.
    index, times_drawn = resample_groups(groups, num_resamplings, root_seed, metric)
    numerator, denominator = (
        times_drawn @ np.bincount(index, weights=values) for values in (numerators, denominators)
    )
    return percentile_interval(numerator[denominator > 0] / denominator[denominator > 0])


def paired_interval(
    first: Values, second: Values, groups: Sequence[str], num_resamplings: int, root_seed: int, metric: str
) -> tuple[float, float]:
    """95 % interval of the mean of `first - second` (N,), the values of two methods for the same pairs.

    Both methods are resampled together, so that what makes a pair hard for both cancels: an interval that
    excludes 0 is a difference, although the methods' own intervals may overlap.

    Args: as of `bootstrap_interval`.
    """
    if len(first) != len(second):
        raise ValueError(f"values of {len(first)} and {len(second)} pairs")
    return bootstrap_interval(first - second, groups, num_resamplings, root_seed, metric)
