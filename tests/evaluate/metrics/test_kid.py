from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from dnaf.core.errors import NumericalError
from dnaf.evaluate.metrics import kid as module
from dnaf.evaluate.metrics.kid import kid, kid_interval, real_term

Matrix = NDArray[np.float64]


def features(seed: int, num: int, dimensions: int = 8, shift: float = 0.0) -> Matrix:
    return np.random.default_rng(seed).normal(shift, 1, (num, dimensions))


def reference(real: Matrix, generated: Matrix) -> float:
    """Image by image, as it is defined."""

    def kernel(x: Matrix, y: Matrix) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    within = [
        np.mean([kernel(x, y) for x in rows for y in rows if x is not y])
        for rows in (list(real), list(generated))
    ]
    return float(sum(within) - 2 * np.mean([kernel(x, y) for x in real for y in generated]))


def distinct(num: int) -> list[str]:
    return [f"{number:04}" for number in range(num)]


def test_of_constant_features_it_is_that_of_two_points() -> None:
    zeros, ones = np.zeros((5, 4)), np.ones((7, 4))
    assert kid(zeros, real_term(zeros), ones) == pytest.approx(1 + 8 - 2 * 1)


def test_equals_the_definition_image_by_image() -> None:
    real, generated = features(0, 20), features(1, 15, shift=0.5)
    assert kid(real, real_term(real), generated) == pytest.approx(reference(real, generated), rel=1e-12)


def test_is_the_mean_over_all_subsets() -> None:
    real, generated = features(0, 5), features(1, 6, shift=0.5)
    of_subsets = [
        reference(real[list(some)], generated[list(others)])
        for some in combinations(range(5), 3)
        for others in combinations(range(6), 3)
    ]
    assert kid(real, real_term(real), generated) == pytest.approx(np.mean(of_subsets), rel=1e-10)


def test_many_random_subsets_come_near_it() -> None:
    real, generated = features(0, 300), features(1, 250, shift=0.3)
    generator = np.random.default_rng(0)
    of_subsets = []
    for _ in range(400):
        some = real[generator.choice(300, 100, replace=False)]
        of_subsets.append(kid(some, real_term(some), generated[generator.choice(250, 100, replace=False)]))
    error = np.std(of_subsets) / np.sqrt(len(of_subsets))
    assert kid(real, real_term(real), generated) == pytest.approx(np.mean(of_subsets), abs=3 * error)


def test_the_number_of_rows_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, generated = features(0, 25).astype(np.float32), features(1, 30, shift=0.5).astype(np.float32)
    groups = [str(number % 7) for number in range(30)]
    expected = kid(real, real_term(real), generated)
    interval = kid_interval(real, real_term(real), generated, groups, 50, 0, "kid")
    monkeypatch.setattr(module, "_CHUNK", 7)
    assert kid(real, real_term(real), generated) == pytest.approx(expected, rel=1e-12)
    again = kid_interval(real, real_term(real), generated, groups, 50, 0, "kid")
    assert again == pytest.approx(interval, rel=1e-12)


@pytest.mark.parametrize("copies", [1, 4])
def test_the_interval_is_as_wide_as_kids_of_fresh_images_scatter_and_lies_around(copies: int) -> None:
    real = features(0, 200)
    term = real_term(real)
    generator = np.random.default_rng(0)
    kids, widths, centers = [], [], []
    groups = np.repeat(distinct(120 // copies), copies).tolist()
    for _ in range(300):
        outfits = np.repeat(generator.normal(0.4, 1, (120 // copies, 8)), copies, axis=0)
        generated = outfits + 0.3 * generator.normal(size=outfits.shape)
        kids.append(kid(real, term, generated))
        if len(widths) < 30:
            low, high = kid_interval(real, term, generated, groups, 200, 0, "kid")
            widths.append(high - low)
            centers.append((low + high) / 2 - kids[-1])
    assert np.mean(widths) == pytest.approx(3.92 * np.std(kids), rel=0.2)
    assert abs(np.mean(centers)) < 0.1 * np.mean(widths)


def test_the_interval_of_a_single_outfit_has_no_width() -> None:
    real, generated = features(0, 30), features(1, 20)
    interval = kid_interval(real, real_term(real), generated, ["one"] * 20, 50, 0, "kid")
    assert interval == pytest.approx((kid(real, real_term(real), generated),) * 2)


def test_two_images_have_an_interval() -> None:
    real, generated = features(0, 30), features(1, 2)
    interval = kid_interval(real, real_term(real), generated, distinct(2), 50, 0, "kid")
    assert interval == pytest.approx((kid(real, real_term(real), generated),) * 2)


def test_a_single_image_is_refused() -> None:
    with pytest.raises(NumericalError, match="too few generated images"):
        kid(features(0, 5), 1.0, features(1, 1))
    with pytest.raises(NumericalError, match="too few real images"):
        real_term(features(0, 1))


def test_nan_is_refused() -> None:
    rows = features(0, 10)
    rows[3, 2] = np.nan
    with pytest.raises(NumericalError, match="real images are NaN"):
        real_term(rows)
    with pytest.raises(NumericalError, match="generated images are NaN"):
        kid_interval(features(1, 10), 1.0, rows, distinct(10), 5, 0, "kid")
