import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from pytorch_fid.fid_score import calculate_frechet_distance

from dnaf.errors import NumericalError
from dnaf.evaluate.frechet import frechet_distance

Matrix = NDArray[np.float64]


def features(seed: int, num: int, dimensions: int) -> Matrix:
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(dimensions, dimensions)) / np.sqrt(dimensions)
    return generator.normal(size=(num, dimensions)) @ mixing + generator.normal(size=dimensions)


def whitened(seed: int, num: int, dimensions: int) -> Matrix:
    """Rows whose sample mean is 0 and whose sample covariance is the identity."""
    rows = np.random.default_rng(seed).normal(size=(num, dimensions))
    orthogonal, _ = np.linalg.qr(rows - rows.mean(axis=0))
    return orthogonal * np.sqrt(num - 1)


def reference(real: Matrix, generated: Matrix) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of scipy's sqrtm(disp=...)
        return float(
            calculate_frechet_distance(
                real.mean(0), np.cov(real, rowvar=False), generated.mean(0), np.cov(generated, rowvar=False)
            )
        )


@pytest.mark.parametrize("num", [20, 200])
def test_equal_sets_have_distance_zero(num: int) -> None:
    rows = features(0, num, 64)
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("num", [20, 200])
def test_with_equal_covariances_it_is_the_squared_distance_of_the_means(num: int) -> None:
    rows = features(0, num, 64)
    shift = np.linspace(-1, 1, 64)
    assert frechet_distance(rows, rows + shift) == pytest.approx(float(shift @ shift), rel=1e-9)


def test_with_diagonal_covariances_it_is_the_squared_distance_of_deviations() -> None:
    rows = whitened(0, 200, 16)
    deviations, others = np.linspace(0.5, 2, 16), np.linspace(3, 1, 16)
    expected = float(((deviations - others) ** 2).sum())
    assert frechet_distance(rows * deviations, rows * others) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_equals_pytorch_fid_at_full_rank(seed: int) -> None:
    real, generated = features(seed, 300, 32), features(seed + 100, 200, 32)
    assert frechet_distance(real, generated) == pytest.approx(reference(real, generated), rel=1e-8)


def test_few_rows_give_the_same_as_the_covariances() -> None:
    # 40 rows of 32 features that live in 8 dimensions: the covariance path with a singular matrix, against
    # the same points seen as 8 features.
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 8)))[0]
    real, generated = features(1, 40, 8), features(2, 40, 8)
    expected = frechet_distance(real, generated)
    assert frechet_distance(real @ axes.T, generated @ axes.T) == pytest.approx(expected, rel=1e-6)
    few = frechet_distance(real[:20] @ axes.T, generated[:20] @ axes.T)
    assert few == pytest.approx(frechet_distance(real[:20], generated[:20]), rel=1e-9)


def test_constant_features_have_no_covariance() -> None:
    real = features(0, 100, 8)
    constant = np.ones((100, 8))
    expected = float(((real.mean(0) - 1) ** 2).sum() + real.var(axis=0, ddof=1).sum())
    assert frechet_distance(real, constant) == pytest.approx(expected, rel=1e-9)


def test_a_single_image_is_refused() -> None:
    with pytest.raises(NumericalError, match="too few generated images"):
        frechet_distance(features(0, 10, 4), features(0, 1, 4))


def test_nan_is_refused() -> None:
    rows = features(0, 10, 4)
    rows[3, 2] = np.nan
    with pytest.raises(NumericalError, match="real images are NaN"):
        frechet_distance(rows, features(0, 10, 4))
