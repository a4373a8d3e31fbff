import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytorch_fid.fid_score import calculate_frechet_distance

from dnaf.core.errors import NumericalError
from dnaf.evaluate.metrics.frechet import frechet_distance, frechet_interval, real_statistics

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


def distance(real: Matrix, generated: Matrix) -> float:
    return frechet_distance(real_statistics(real), generated)


@pytest.mark.parametrize("num", [20, 200])
def test_equal_sets_have_distance_zero(num: int) -> None:
    rows = features(0, num, 64)
    assert distance(rows, rows) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("num", [20, 200])
def test_with_equal_covariances_it_is_the_squared_distance_of_the_means(num: int) -> None:
    rows = features(0, num, 64)
    shift = np.linspace(-1, 1, 64)
    assert distance(rows, rows + shift) == pytest.approx(float(shift @ shift), rel=1e-9)


def test_with_diagonal_covariances_it_is_the_squared_distance_of_deviations() -> None:
    rows = whitened(0, 200, 16)
    deviations, others = np.linspace(0.5, 2, 16), np.linspace(3, 1, 16)
    expected = float(((deviations - others) ** 2).sum())
    assert distance(rows * deviations, rows * others) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_equals_pytorch_fid_at_full_rank(seed: int) -> None:
    real, generated = features(seed, 300, 32), features(seed + 100, 200, 32)
    assert distance(real, generated) == pytest.approx(reference(real, generated), rel=1e-8)


def test_few_rows_give_the_same_as_the_covariances() -> None:
    # 40 rows of 32 features that live in 8 dimensions: the covariance path with a singular matrix, against
    # the same points seen as 8 features.
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 8)))[0]
    real, generated = features(1, 40, 8), features(2, 40, 8)
    expected = distance(real, generated)
    assert distance(real @ axes.T, generated @ axes.T) == pytest.approx(expected, rel=1e-6)
    few = distance(real[:20] @ axes.T, generated[:20] @ axes.T)
    assert few == pytest.approx(distance(real[:20], generated[:20]), rel=1e-9)


def test_constant_features_have_no_covariance() -> None:
    real = features(0, 100, 8)
    constant = np.ones((100, 8))
    expected = float(((real.mean(0) - 1) ** 2).sum() + real.var(axis=0, ddof=1).sum())
    assert distance(real, constant) == pytest.approx(expected, rel=1e-9)


def test_a_single_image_is_refused() -> None:
    with pytest.raises(NumericalError, match="too few generated images"):
        distance(features(0, 10, 4), features(0, 1, 4))


def test_nan_is_refused() -> None:
    rows = features(0, 10, 4)
    rows[3, 2] = np.nan
    with pytest.raises(NumericalError, match="real images are NaN"):
        distance(rows, features(0, 10, 4))


@pytest.mark.parametrize(("num_real", "num_generated"), [(20, 15), (20, 300), (300, 20)])
def test_equals_the_singular_values_where_images_are_fewer_than_features(
    num_real: int, num_generated: int
) -> None:
    real, generated = features(0, num_real, 64), features(1, num_generated, 64)
    x, y = ((rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1) for rows in (real, generated))
    difference = real.mean(0) - generated.mean(0)
    root = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    expected = difference @ difference + (x**2).sum() + (y**2).sum() - 2 * root
    assert distance(real, generated) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("num", [5, 40, 2500])
def test_the_factor_gives_the_sample_covariance(num: int) -> None:
    rows = features(0, num, 16)
    statistics = real_statistics(rows)
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        statistics.factor @ statistics.factor.T, np.cov(rows, rowvar=False), rtol=1e-9, atol=1e-12
    )
    assert statistics.count == num
    assert statistics.factor.shape == (16, min(num, 16))


def test_a_memory_map_in_single_precision_gives_the_same(tmp_path: Path) -> None:
    rows = features(0, 2500, 8).astype(np.float32)
    np.save(tmp_path / "features.npy", rows)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    expected, found = real_statistics(rows.astype(np.float64)), real_statistics(mapped)
    np.testing.assert_array_equal(found.factor, expected.factor)
    np.testing.assert_array_equal(found.mean, expected.mean)


def distinct(num: int) -> list[str]:
    return [str(number) for number in range(num)]


@pytest.mark.parametrize("num", [6, 12, 2000])
def test_the_interval_is_that_of_resampled_sets_where_these_can_be_had(num: int) -> None:
    # One feature, where a resampling's duplicates hardly matter, and as many real images as there may be.
    real, generated = features(0, 5, 1), features(1, num, 1) * 1.5 + 3
    low, high = frechet_interval(real_statistics(real), generated, distinct(num), 1000, 0, "fid")
    generator = np.random.default_rng(0)
    resampled = [distance(real, generated[generator.integers(0, num, num)]) for _ in range(1000)]
    assert high - low == pytest.approx(3.92 * np.std(resampled), rel=0.1)
    assert low < distance(real, generated) < high


@pytest.mark.parametrize(("num", "dimensions"), [(400, 8), (60, 20)])
def test_the_interval_is_as_wide_as_distances_of_fresh_images_scatter(num: int, dimensions: int) -> None:
    real = real_statistics(features(0, 1000, dimensions))
    distances, widths = [], []
    generator = np.random.default_rng(0)
    for _ in range(300):
        outfits = np.repeat(generator.normal(size=(num // 4, dimensions)), 4, axis=0)
        generated = 1.5 * outfits + generator.normal(size=(num, dimensions)) + 1
        distances.append(frechet_distance(real, generated))
        if len(widths) < 30:
            groups = np.repeat(distinct(num // 4), 4).tolist()
            low, high = frechet_interval(real, generated, groups, 200, 0, "fid")
            widths.append(high - low)
    assert np.mean(widths) == pytest.approx(3.92 * np.std(distances), rel=0.25)


def test_the_interval_of_a_single_outfit_has_no_width() -> None:
    real, generated = features(0, 100, 8), features(1, 20, 8)
    interval = frechet_interval(real_statistics(real), generated, ["one"] * 20, 50, 0, "fid")
    assert interval == pytest.approx((distance(real, generated),) * 2, rel=1e-9)


def test_the_same_seed_and_metric_give_the_same_interval() -> None:
    real, generated = real_statistics(features(0, 100, 8)), features(1, 20, 8)
    first = frechet_interval(real, generated, distinct(20), 50, 7, "fid")
    assert frechet_interval(real, generated, distinct(20), 50, 7, "fid") == first
    assert frechet_interval(real, generated, distinct(20), 50, 7, "fid_random") != first
