"""Frechet distance of two sets of features, without the matrix square root of a non-symmetric matrix.

d = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of the means and sample covariances. With S1 = F F^T and
S2 = X^T X, the trace of the root is the sum of the singular values of X F: real images are kept as F, and
fewer images than features need no covariance, whose root sqrtm gets wrong by 1e-4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from dnaf.core.errors import NumericalError
from dnaf.evaluate.metrics.bootstrap import bootstrap_interval
from dnaf.evaluate.metrics.metric import Column, SetMetric

Matrix = NDArray[np.float64]
Features = NDArray[np.float32] | NDArray[np.float64]

_CHUNK = 2048  # rows in float64 at a time: 32 MiB of 2,048 features
_ROUNDING = 1e-12  # an eigenvalue smaller than this part of the largest one is a zero


@dataclass(frozen=True)
class RealStatistics:
    """All that the distance needs of the real images.

    Attributes:
        mean: of the features (D,).
        factor: (D, K), whose product with its transpose is the sample covariance; K is `min(count, D)`.
            Lower triangular where the count exceeds D.
        count: images behind it.
    """

    mean: Matrix
    factor: Matrix
    count: int


def real_statistics(features: Features) -> RealStatistics:
    """Statistics of features (N, D), which may be a memory map: they are read in pieces.

    Raises:
        NumericalError: fewer than two rows, or a feature that is NaN or infinite.
    """
    mean = _mean(features, "real")
    count, dimensions = features.shape
    if count <= dimensions:  # (D, N) of rank N - 1: the centred features are the factor
        return RealStatistics(mean, (features - mean).T / np.sqrt(count - 1), count)
    covariance = _covariance(features, mean)
    try:
        factor = scipy.linalg.cholesky(covariance, lower=True)
    except np.linalg.LinAlgError:
        # More rows than columns and still singular: features that are constant or copies of each other.
        values, vectors = scipy.linalg.eigh(covariance)  # V w V^T = (V w^(1/2)) (V w^(1/2))^T
        (upper,) = scipy.linalg.qr((vectors * np.sqrt(np.clip(values, 0, None))).T, mode="r")
        factor = upper.T
    return RealStatistics(mean, factor, count)


def frechet_distance(real: RealStatistics, generated: Features) -> float:
    """Distance of real images and the features (M, D) of generated ones; 0 for equal sets.

    Source: pytorch-fid@b9c1811:src/pytorch_fid/fid_score.py (the definition; its sqrtm takes 16 times longer
    and fails from SciPy 1.18 on).

    Raises:
        NumericalError: fewer than two rows, or a feature that is NaN or infinite.
    """
    mean = _mean(generated, "generated")
    if min(len(generated), real.count) <= generated.shape[1]:
        rows = (generated - mean) / np.sqrt(len(generated) - 1)
        trace, root = float(np.sum(rows**2)), float(scipy.linalg.svdvals(rows @ real.factor).sum())
    else:
        covariance = _covariance(generated, mean)
        trace, root = float(np.trace(covariance)), trace_of_root(real.factor, covariance)
    return max(_distance(real, mean, trace, root), 0.0)  # rounding makes that of equal sets -1e-12


def trace_of_root(factor: Matrix, covariance: Matrix) -> float:
    """Trace of the root of `factor @ factor.T @ covariance`, all (D, D), the factor lower triangular."""
    # F F^T S and the symmetric F^T S F have the same eigenvalues; the trace of the root sums their roots.
    half = scipy.linalg.blas.dtrmm(1.0, factor.T, covariance.T)  # F^T S
    gram = scipy.linalg.blas.dtrmm(1.0, factor.T, half, side=1, trans_a=1)
    eigenvalues = scipy.linalg.eigvalsh(gram)
    return float(np.sqrt(np.clip(eigenvalues, 0, None)).sum())


def frechet_interval(
    real: RealStatistics,
    generated: Features,
    groups: Sequence[str],
    num_resamplings: int,
    root_seed: int,
    metric: str,
) -> tuple[float, float]:
    """95 % bootstrap interval of `frechet_distance`, resampling the outfits of the generated images.

    What is resampled is each image's influence on the distance, its derivative by the image's weight.
    Distances of resampled sets mislead: the duplicates in them make the covariance poorer, which moves the
    distance, and makes intervals up to four times too wide where images are few for the features. Nor could a
    thousand of them be had: each takes a second. The real images stay, being the same for all methods.

    Args:
        groups: the outfit of each row of `generated`.
        metric: the same root seed and metric give the same interval.

    Raises:
        NumericalError: as `frechet_distance`.
    """
    mean = _mean(generated, "generated")
    # Of image i: 2 (x_i - m2) (m2 - m1) + |x_i - m2|^2 - (M - 1) times its share of tr((S1 S2)^(1/2)).
    centered = generated - mean
    squares = np.einsum("nd,nd->n", centered, centered)
    others = len(generated) - 1
    roots = _shares_of_root(centered @ (real.factor / np.sqrt(others)))
    distance = _distance(real, mean, float(squares.sum()) / others, float(roots.sum()))
    influences = 2 * centered @ (mean - real.mean) + squares - others * roots
    low, high = bootstrap_interval(influences - influences.mean(), groups, num_resamplings, root_seed, metric)
    return max(distance + low, 0.0), max(distance + high, 0.0)


def _distance(real: RealStatistics, mean: Matrix, trace: float, root: float) -> float:
    difference = real.mean - mean
    return float(difference @ difference + np.sum(real.factor**2) + trace - 2 * root)


def _shares_of_root(rows: Matrix) -> Matrix:
    """Diagonal (N,) of the root of `rows @ rows.T`, whose trace is that of the root of `rows.T @ rows`."""
    if len(rows) <= rows.shape[1]:  # A = U s V^T: (A A^T)^(1/2) = U s U^T
        vectors, values, _ = scipy.linalg.svd(rows, full_matrices=False)
        return np.asarray(vectors**2 @ values)
    squares, axes = scipy.linalg.eigh(rows.T @ rows)  # (A A^T)^(1/2) = A (A^T A)^(-1/2) A^T
    is_support = squares > squares[-1] * _ROUNDING
    return np.asarray((rows @ axes[:, is_support]) ** 2 @ (1 / np.sqrt(squares[is_support])))


def _mean(features: Features, name: str) -> Matrix:
    if len(features) < 2:
        raise NumericalError(
            f"Frechet distance: too few {name} images (found {len(features)}, expected at least 2)."
        )
    mean = sum(rows.sum(axis=0) for rows in _chunks(features)) / np.float64(len(features))
    if not np.isfinite(mean).all():  # as it is when any feature is not
        raise NumericalError(f"Frechet distance: features of {name} images are NaN or infinite.")
    return np.asarray(mean)


def _covariance(features: Features, mean: Matrix) -> Matrix:
    """Sample covariance (D, D)."""
    total = np.zeros((len(mean), len(mean)))
    for rows in _chunks(features):
        rows -= mean
        total += rows.T @ rows
    return total / (len(features) - 1)


def _chunks(features: Features) -> Iterator[Matrix]:
    for start in range(0, len(features), _CHUNK):
        yield np.array(features[start : start + _CHUNK], np.float64)


def _metric(column: Column, network: Literal["inception", "efficientnet_lite0", "dinov2"]) -> SetMetric:
    return SetMetric(
        column,
        network,
        lambda real, generated: frechet_distance(real.statistics, generated),
        lambda real, generated, *resampling: frechet_interval(real.statistics, generated, *resampling),
    )


FID = _metric(
    Column(
        key="fid",
        name="FID",
        spec=".2f",
        better="lower",
        about="Fréchet distance of Inception features, all generated images against **all training images** "
        "(48,674 of DeepFashion, those in no pair too; with the 37,016 that are in pairs it comes out wrong, "
        "[PIDM issue 37](https://github.com/ankanbhunia/PIDM/issues/37)); under `fpdm` against the test "
        "pairs' targets, each once: another number",
        weights=("inception_imagenet", "inception_fid"),
        can_be_random=True,
        last_batch="fid_batch",
        is_main=True,
        is_published=True,
    ),
    "inception",
)
FD_EFFICIENTNET = _metric(
    Column(
        key="fd_efficientnet",
        name="FD-EfficientNet",
        spec=".2f",
        better="lower",
        about="Fréchet distance of the features of EfficientNet-Lite0: the means over space of its maps of "
        "stride 8 and 16 (40 + 112 numbers), of images in their own size. Its ImageNet weights are in "
        "`data/base/efficientnet_lite0`, so that one distance has trained features without a download. No "
        "paper reports it; values are comparable at one image size only",
        last_batch="fid_batch",
        is_main=True,
        note="**FD-EfficientNet**: as FID, in features of EfficientNet-Lite0, whose trained weights come "
        "with this project. No paper reports it, and it can be compared at one image size only.",
    ),
    "efficientnet_lite0",
)
FD_DINOV2 = _metric(
    Column(
        key="fd_dinov2",
        name="FD-DINOv2",
        spec=".2f",
        better="lower",
        about="Fréchet distance of DINOv2 features; only with `weights.dinov2`",
        weights=("dinov2",),
        last_batch="fid_batch",
        is_main=True,
    ),
    "dinov2",
)
