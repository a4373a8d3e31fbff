"""`python -m benchmarks.ablation`: the comparison in closed form; the trainings are in tests/pretraining."""

import numpy as np
import pytest

from benchmarks.ablation import MEASURES, compare
from dnaf.train.exchange import FULL

OUTFITS = ["a", "a", "b"]


def errors(*values: float) -> dict[str, np.ndarray]:
    return {measure: np.array(values) for measure in MEASURES}


def test_the_change_is_a_share_of_the_full_models_error_and_an_equal_change_has_no_width() -> None:
    full = [errors(0.1, 0.2, 0.3), errors(0.3, 0.2, 0.1)]
    worse = [{measure: value + 0.02 for measure, value in training.items()} for training in full]
    table = compare({FULL: full, "b1": worse}, OUTFITS).set_index(["variant", "measure"])
    for measure in MEASURES:
        assert table.loc[(FULL, measure)].tolist() == pytest.approx([0.2, 0, 0, 0])
        assert table.loc[("b1", measure)].tolist() == pytest.approx([0.22, 0.1, 0.1, 0.1])


def test_trainings_that_disagree_make_the_interval_wide_though_all_outfits_agree() -> None:
    full = [errors(0.2, 0.2, 0.2)] * 2
    other = [errors(0.1, 0.1, 0.1), errors(0.3, 0.3, 0.3)]
    table = compare({FULL: full, "b1": other}, OUTFITS).set_index(["variant", "measure"])
    change, low, high = table.loc[("b1", MEASURES[0]), ["change", "low", "high"]]
    assert change == pytest.approx(0)
    assert (low, high) == pytest.approx((-0.5, 0.5))
