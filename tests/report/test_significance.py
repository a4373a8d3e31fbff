from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.core.errors import StateError
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.report.significance import Mark, marks
from tests.helpers.scored_methods import array, present, with_interval

COLUMN = {column.key: column for column in COLUMNS}
NOISE_OF_PAIRS = np.random.default_rng(0).normal(0, 0.2, 40)
DISTINCT = [str(number) for number in range(40)]


def marks_of_scores(
    key: str, scores: Mapping[str, Any], outfits: Sequence[str], **changes: Any
) -> dict[str, Mark]:
    rows = [present(method, {key: float(values.mean())}, **changes) for method, values in scores.items()]
    tables = {method: {key: values} for method, values in scores.items()}
    return marks(COLUMN[key], rows, tables, outfits)


def marks_of_sets(key: str, intervals: Mapping[str, tuple[float, float]]) -> dict[str, Mark]:
    rows = [present(method, with_interval(key, *interval)) for method, interval in intervals.items()]
    return marks(COLUMN[key], rows, {method: {} for method in intervals}, DISTINCT)


def test_a_small_difference_on_every_pair_is_no_noise() -> None:
    # The methods' own intervals are ten times as wide as their difference, and overlap.
    better = 0.5 + NOISE_OF_PAIRS
    found = marks_of_scores("ssim_gaussian", {"dnaf": better, "gfla": better - 0.01}, DISTINCT)
    assert found == {"dnaf": Mark.BEST}


def test_the_same_difference_is_noise_where_it_changes_sign_from_pair_to_pair() -> None:
    found = marks_of_scores(
        "ssim_gaussian",
        {"dnaf": np.full(40, 0.5), "gfla": 0.49 + NOISE_OF_PAIRS - NOISE_OF_PAIRS.mean()},
        DISTINCT,
    )
    assert found == {"dnaf": Mark.BEST, "gfla": Mark.NOISE}


def test_pairs_of_one_outfit_do_not_make_a_difference_certain() -> None:
    # gfla is worse on one outfit and better on the other: 40 pairs, but two independent observations.
    difference = np.repeat([-0.1, 0.05], 20)
    scores = {"dnaf": np.full(40, 0.5), "gfla": 0.5 + difference}
    assert marks_of_scores("ssim_gaussian", scores, DISTINCT) == {"dnaf": Mark.BEST}
    of_two = marks_of_scores("ssim_gaussian", scores, ["a"] * 20 + ["b"] * 20)
    assert of_two == {"dnaf": Mark.BEST, "gfla": Mark.NOISE}


@pytest.mark.parametrize(("key", "best"), [("ssim_gaussian", "dnaf"), ("psnr", "dnaf"), ("lpips", "gfla")])
def test_best_is_the_highest_or_the_lowest_value(key: str, best: str) -> None:
    found = marks_of_scores(key, {"dnaf": np.full(40, 0.5), "gfla": np.full(40, 0.25)}, DISTINCT)
    assert found == {best: Mark.BEST}


def test_values_that_read_the_same_are_all_best() -> None:
    scores = {"dnaf": np.full(40, 0.5), "gfla": np.full(40, 0.49999), "pise": np.full(40, 0.4999)}
    found = marks_of_scores("ssim_gaussian", scores, DISTINCT)
    assert found == {"dnaf": Mark.BEST, "gfla": Mark.BEST}


def test_metrics_of_sets_are_inside_noise_where_intervals_overlap() -> None:
    found = marks_of_sets("fid", {"dnaf": (10, 1), "gfla": (11.5, 1), "pise": (12.5, 1), "nted": (12, 1)})
    assert found == {"dnaf": Mark.BEST, "gfla": Mark.NOISE, "nted": Mark.NOISE}


def test_metrics_of_sets_without_intervals_are_never_called_noise() -> None:
    rows = [present("dnaf", {"fid": 10.0}), present("gfla", with_interval("fid", 10.1, 5.0))]
    found = marks(COLUMN["fid"], rows, {"dnaf": {}, "gfla": {}}, DISTINCT)
    assert found == {"dnaf": Mark.BEST}


def test_without_resamplings_nothing_is_called_noise() -> None:
    none = {"num_resamplings": 0, "seed": 0}
    scores = {"dnaf": 0.5 + NOISE_OF_PAIRS, "gfla": 0.49 - NOISE_OF_PAIRS}
    assert Mark.NOISE in marks_of_scores("ssim_gaussian", scores, DISTINCT).values()
    assert Mark.NOISE not in marks_of_scores("ssim_gaussian", scores, DISTINCT, bootstrap=none).values()


def test_where_a_trivial_baseline_beats_every_method_it_is_marked_and_none_is_best() -> None:
    found = marks_of_sets(
        "fid", {"copy_source": (0.02, 0.01), "dnaf": (10, 1), "gfla": (15, 1), "mean_image": (99, 1)}
    )
    assert found == {"copy_source": Mark.TRIVIAL_AHEAD}


def test_a_trivial_baseline_that_is_better_inside_noise_takes_the_best_mark_away_too() -> None:
    found = marks_of_sets("fid", {"copy_source": (9.5, 1), "dnaf": (10, 1), "gfla": (10.5, 1)})
    assert found == {"copy_source": Mark.NOISE, "gfla": Mark.NOISE}


def test_a_trivial_baseline_that_reads_the_same_as_the_best_method_takes_nothing_away() -> None:
    found = marks_of_sets("fid", {"copy_source": (9.999, 1), "dnaf": (10, 1)})
    assert found == {"copy_source": Mark.NOISE, "dnaf": Mark.BEST}


def test_a_trivial_baseline_inside_noise_of_the_best_method_is_marked_as_that() -> None:
    scores = {"dnaf": np.full(40, 0.2), "mean_image": 0.21 + NOISE_OF_PAIRS - NOISE_OF_PAIRS.mean()}
    found = marks_of_scores("l1", scores, DISTINCT)
    assert found == {"dnaf": Mark.BEST, "mean_image": Mark.NOISE}


@pytest.mark.parametrize("ceiling", ["ground_truth", "reconstruction"])
def test_a_ceiling_has_no_mark_and_takes_none_away(ceiling: str) -> None:
    found = marks_of_sets("fid", {"dnaf": (10, 1), ceiling: (1, 0.1), "gfla": (15, 1)})
    assert found == {"dnaf": Mark.BEST}
    found = marks_of_sets("fid", {"copy_source": (11, 1), "dnaf": (20, 1), ceiling: (11, 1)})
    assert found == {"copy_source": Mark.TRIVIAL_AHEAD}


def test_trivial_baselines_alone_have_no_best() -> None:
    assert marks_of_sets("fid", {"copy_source": (0.02, 0.01), "mean_image": (99, 1)}) == {}


def test_what_is_no_measure_of_quality_has_no_best() -> None:
    key = "wrong_source_increase"
    rows = [present("dnaf", {key: 0.5}), present("gfla", {key: 0.25})]
    assert marks(COLUMN[key], rows, {"dnaf": {}, "gfla": {}}, DISTINCT) == {}


def test_a_method_that_lacks_the_metric_has_no_mark() -> None:
    rows = [present("dnaf", {"pckh": 0.5}), present("gfla", {})]
    found = marks(COLUMN["pckh"], rows, {"dnaf": {"pckh": np.full(40, 0.5)}, "gfla": {}}, DISTINCT)
    assert found == {"dnaf": Mark.BEST}


def test_scores_of_each_pair_that_only_one_method_has_are_refused() -> None:
    rows = [present("dnaf", {"l1": 0.5}), present("gfla", {"l1": 0.6})]
    with pytest.raises(StateError, match=r"data/scores/cfld/gfla\.csv: no column l1"):
        marks(COLUMN["l1"], rows, {"dnaf": {"l1": array(0.5)}, "gfla": {}}, ["a"])


@given(
    st.dictionaries(
        st.sampled_from(["dnaf", "gfla", "pise", "copy_source"]), st.floats(0, 1), min_size=1, max_size=4
    ),
    st.sampled_from([COLUMN["ssim"], COLUMN["lpips"]]),
)
def test_no_method_is_better_than_the_best(values: dict[str, float], column: Column) -> None:
    rows = [present(method, {column.key: value}) for method, value in values.items()]
    found = marks(column, rows, {method: {} for method in values}, DISTINCT)
    methods = {method: value for method, value in values.items() if method != "copy_source"}
    best = {method for method, mark in found.items() if mark is Mark.BEST}
    extreme = max if column.better == "higher" else min
    of_all, of_methods = extreme(values.values()), extreme(methods.values(), default=None)
    is_best = of_methods is not None and column.text(of_methods) == column.text(of_all)
    assert {column.text(values[method]) for method in best} == ({column.text(of_all)} if is_best else set())
