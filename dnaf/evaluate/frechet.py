"""Frechet distance of two sets of features, without the matrix square root of a non-symmetric matrix."""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from dnaf.errors import NumericalError

Matrix = NDArray[np.float64]
Features = NDArray[np.float32] | NDArray[np.float64]


def frechet_distance(real: Features, generated: Features) -> float:
    """Squared distance of means plus distance of sample covariances of features (N, D) and (M, D).

    d = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)). Where a set has no more rows than columns its covariance
    is singular; the trace of the root is then the sum of the singular values of X1 X2^T, which needs no
    covariance and is exact where sqrtm is off by up to 1e-4.

    Source: pytorch-fid@b9c1811:src/pytorch_fid/fid_score.py (the definition; its sqrtm takes 16 times longer
    and fails from SciPy 1.18 on).

    Raises:
        NumericalError: fewer than two rows, or a feature that is NaN or infinite.
    """
    for name, features in (("real", real), ("generated", generated)):
        if len(features) < 2:
            raise NumericalError(
                f"Frechet distance: too few {name} images (found {len(features)}, expected at least 2)."
            )
        if not np.isfinite(features).all():
            raise NumericalError(f"Frechet distance: features of {name} images are NaN or infinite.")
    mean_real, centered_real = _center(real)
    mean_generated, centered_generated = _center(generated)
    difference = mean_real - mean_generated
    traces = float(np.sum(centered_real**2) + np.sum(centered_generated**2))
    distance = float(difference @ difference) + traces - 2 * _trace_of_root(centered_real, centered_generated)
    return max(distance, 0.0)  # rounding makes the distance of equal sets -1e-12


def _center(features: Features) -> tuple[Matrix, Matrix]:
    """Mean (D,), and rows scaled so that X^T X is the sample covariance."""
    rows = features.astype(np.float64)
    mean = rows.mean(axis=0)
    rows -= mean
    rows /= np.sqrt(len(rows) - 1)
    return mean, rows


def _trace_of_root(x: Matrix, y: Matrix) -> float:
    """Trace of (X^T X Y^T Y)^(1/2)."""
    if min(len(x), len(y)) <= x.shape[1]:
        return float(scipy.linalg.svdvals(x @ y.T).sum())
    covariance_x, covariance_y = x.T @ x, y.T @ y
    try:
        factor = scipy.linalg.cholesky(covariance_x, lower=True)
    except np.linalg.LinAlgError:
        # More rows than columns and still singular: features that are constant or copies of each other.
        values, vectors = scipy.linalg.eigh(covariance_x)
        factor = vectors * np.sqrt(np.clip(values, 0, None))
    eigenvalues = scipy.linalg.eigvalsh(factor.T @ covariance_y @ factor)
    return float(np.sqrt(np.clip(eigenvalues, 0, None)).sum())
