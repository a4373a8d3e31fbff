"""KID: squared maximum mean discrepancy of two sets of features, with the kernel (x y / D + 1)^3.

Unbiased, and of all images at once: the limit of the usual mean over random subsets, without their noise.

Source: Binkowski et al. 2018, "Demystifying MMD GANs", equation 4 and section 4.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dnaf.core.errors import NumericalError
from dnaf.evaluate.metrics.bootstrap import percentile_interval, resample_groups
from dnaf.evaluate.metrics.metric import Column, SetMetric

Matrix = NDArray[np.float64]
Features = NDArray[np.float32] | NDArray[np.float64]
Index = NDArray[np.intp]

_CHUNK = 2048  # rows in float64 at a time: 32 MiB of 2,048 features, and of the kernel of two chunks


def real_term(features: Features) -> float:
    """Mean kernel of two different real images of (N, D), the part of KID that is the same for all methods.

    Raises:
        NumericalError: fewer than two rows, or a feature that is NaN or infinite.
    """
    return _mean_of_pairs(features, "real")


def kid(real_features: Features, real_term: float, generated: Features) -> float:
    """KID of real features (N, D) and generated ones (M, D); about 0 for sets alike, and then also negative.

    mean k(x, x') + mean k(y, y') - 2 mean k(x, y), the first two over pairs of different images.

    Args:
        real_term: of the real features; see the function of that name.

    Raises:
        NumericalError: fewer than two rows, or a feature that is NaN or infinite.
    """
    mean_of_pairs = _mean_of_pairs(generated, "generated")
    return float(real_term + mean_of_pairs - 2 * _mean_with_real(real_features, generated).mean())


def kid_interval(
    real_features: Features,
    real_term: float,
    generated: Features,
    groups: Sequence[str],
    num_resamplings: int,
    root_seed: int,
    metric: str,
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of `kid`, resampling the outfits of the generated images.

    Pairs across two copies of an outfit do not count: no two outfits are as close as that, and with them the
    resamplings would lie above the estimate.

    Args:
        groups: the outfit of each row of `generated`.
        metric: the same root seed and metric give the same interval.

    Raises:
        NumericalError: as `kid`.
    """
    index, times = resample_groups(groups, num_resamplings, root_seed, metric)
    order = np.argsort(index, kind="stable")
    kernels = _group_sums(generated[order], index[order], "generated")
    sizes = np.bincount(index)  # (G,) images of each outfit
    totals = times @ sizes  # (R,) images of each resampling
    num_pairs = _over_copies(times, np.outer(sizes, sizes - 0.0) - np.diag(sizes))
    with_real = times @ np.bincount(index, weights=_mean_with_real(real_features, generated)) / totals
    is_drawn = num_pairs > 0  # not where one outfit of a single image was drawn again and again
    within = _over_copies(times, kernels)[is_drawn] / num_pairs[is_drawn]
    return percentile_interval(real_term + within - 2 * with_real[is_drawn])


def _over_copies(times: Matrix, sums: Matrix) -> Matrix:
    """Sums (R,) over the pairs of resampled groups, from those of each two groups (G, G)."""
    # Of groups drawn c_g times: sum_gh c_g c_h S_gh, where g = h counts c_g times, as pairs across two copies
    # of a group do not count, and not c_g^2 times.
    within = np.diag(sums)
    return np.einsum("rg,rg->r", times @ sums, times) - times**2 @ within + times @ within


def _mean_of_pairs(features: Features, name: str) -> float:
    one_group = np.zeros(len(features), np.intp)
    return float(_group_sums(features, one_group, name).sum() / (len(features) * (len(features) - 1)))


def _group_sums(features: Features, index: Index, name: str) -> Matrix:
    """Kernel summed over the pairs of different images of each two groups (G, G).

    Args:
        index: each row's group, in ascending order from 0.
    """
    if len(features) < 2:
        raise NumericalError(f"KID: too few {name} images (found {len(features)}, expected at least 2).")
    sums = np.zeros((index[-1] + 1,) * 2)
    # Blocks on and above the diagonal of the kernel (N, N), which is symmetric; those above count twice.
    for first, rows in _chunks(features):
        for second, others in _chunks(features, first.start):
            kernel = _kernel(rows, others)
            if first == second:
                np.fill_diagonal(kernel, 0)
            kernel = np.add.reduceat(kernel, _starts(index[first]), axis=0)
            kernel = np.add.reduceat(kernel, _starts(index[second]), axis=1)
            place = _groups(index[first]), _groups(index[second])
            sums[place] += kernel
            if first != second:
                sums[place[::-1]] += kernel.T
    if not np.isfinite(sums).all():
        raise NumericalError(f"KID: features of {name} images are NaN or infinite.")
    return sums


def _starts(index: Index) -> Index:
    return np.flatnonzero(np.diff(index, prepend=-1))


def _groups(index: Index) -> slice:
    return slice(index[0], index[-1] + 1)


def _mean_with_real(real: Features, generated: Features) -> Matrix:
    """Mean kernel (M,) of each generated image and all real ones."""
    sums = np.zeros(len(generated))
    for _, rows in _chunks(real):
        for place, others in _chunks(generated):
            sums[place] += _kernel(rows, others).sum(axis=0)
    return sums / len(real)


def _kernel(rows: Matrix, others: Matrix) -> Matrix:
    """(x y / D + 1)^3 of rows (N, D) and (M, D): (N, M)."""
    kernel = rows @ others.T
    kernel /= rows.shape[1]
    kernel += 1
    kernel *= kernel * kernel
    return kernel


def _chunks(features: Features, start: int = 0) -> Iterator[tuple[slice, Matrix]]:
    for first in range(start, len(features), _CHUNK):
        place = slice(first, min(first + _CHUNK, len(features)))
        yield place, np.asarray(features[place], np.float64)


KID = SetMetric(
    Column(
        key="kid",
        name="KID",
        spec=".5f",
        better="lower",
        about="kernel distance of the same features, unbiased, over all images (the limit of the usual mean "
        "over random subsets)",
        weights=("inception_imagenet", "inception_fid"),
        can_be_random=True,
        last_batch="fid_batch",
    ),
    "inception",
    lambda real, generated: kid(real.features, real.kernel_mean, generated),
    lambda real, generated, *resampling: kid_interval(
        real.features, real.kernel_mean, generated, *resampling
    ),
)
