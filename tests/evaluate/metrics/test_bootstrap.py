import numpy as np
import pytest

from dnaf.evaluate.metrics.bootstrap import (
    bootstrap_interval,
    median_interval,
    paired_interval,
    percentile_interval,
)

VALUES = np.random.default_rng(0).normal(3, 2, 400)
DISTINCT = [str(number) for number in range(400)]


def test_the_interval_leaves_out_a_fortieth_at_each_end() -> None:
    values = np.arange(1001.0)
    np.random.default_rng(0).shuffle(values)
    assert percentile_interval(values) == pytest.approx((25, 975), abs=1e-9)


def test_interval_of_a_normal_sample_is_two_standard_errors_wide() -> None:
    low, high = bootstrap_interval(VALUES, DISTINCT, 2000, 0, "l1")
    standard_error = VALUES.std() / np.sqrt(len(VALUES))
    assert low < VALUES.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)


def test_interval_of_a_normal_samples_median_is_wider_than_the_means_by_root_half_pi() -> None:
    low, high = median_interval(VALUES, DISTINCT, 2000, 0, "l1")
    standard_error = VALUES.std() / np.sqrt(len(VALUES)) * np.sqrt(np.pi / 2)
    assert low < np.median(VALUES) < high
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.2)


def test_a_median_resamples_whole_outfits() -> None:
    values, outfits = np.array([0.0, 0, 0, 0, 9]), list("aaaab")
    assert median_interval(values, outfits, 500, 0, "l1") == (0, 9)
    assert median_interval(values, list("aaaaa"), 500, 0, "l1") == (0, 0)


def test_the_same_seed_and_metric_give_the_same_interval() -> None:
    first = bootstrap_interval(VALUES, DISTINCT, 50, 7, "l1")
    assert bootstrap_interval(VALUES, DISTINCT, 50, 7, "l1") == first
    assert bootstrap_interval(VALUES, DISTINCT, 50, 8, "l1") != first


def test_pairs_of_one_outfit_are_resampled_together() -> None:
    values = np.repeat(VALUES[:100], 4)
    outfits = np.repeat(DISTINCT[:100], 4).tolist()
    together = bootstrap_interval(values, outfits, 2000, 0, "l1")
    alone = bootstrap_interval(values, DISTINCT, 2000, 0, "l1")
    # Four copies of a value hold the information of one: the honest interval is twice as wide.
    assert together[1] - together[0] == pytest.approx(2 * (alone[1] - alone[0]), rel=0.15)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert bootstrap_interval(np.full(5, 0.25), DISTINCT[:5], 100, 0, "l1") == (0.25, 0.25)


def test_equal_methods_differ_by_nothing() -> None:
    assert paired_interval(VALUES, VALUES, DISTINCT, 100, 0, "l1") == (0, 0)


def test_a_constant_difference_is_certain() -> None:
    shift = paired_interval(VALUES + 0.25, VALUES, DISTINCT, 100, 0, "l1")
    assert shift == pytest.approx((0.25, 0.25), abs=1e-12)


def test_a_difference_is_seen_that_the_methods_own_intervals_hide() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 400)
    better = VALUES - 0.05 + noise
    low, high = paired_interval(better, VALUES, DISTINCT, 1000, 0, "l1")
    assert low < -0.05 < high < 0
    own = [bootstrap_interval(values, DISTINCT, 1000, 0, "l1") for values in (better, VALUES)]
    assert own[0][1] > own[1][0]


def test_the_paired_interval_of_a_difference_is_two_standard_errors_wide() -> None:
    other = np.random.default_rng(1).normal(3, 1, 400)
    low, high = paired_interval(VALUES, other, DISTINCT, 2000, 0, "l1")
    standard_error = (VALUES - other).std() / np.sqrt(len(VALUES))
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)


def test_methods_of_different_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="values of 400 and 399 pairs"):
        paired_interval(VALUES, VALUES[1:], DISTINCT, 10, 0, "l1")
