"""`python -m benchmarks.ablation`: the comparison in closed form; the trainings are in tests/pretraining."""

import numpy as np
import pytest

from benchmarks.ablation import compare
from dnaf.train.exchange import FULL, TIMESTEPS

OUTFITS = ["a", "a", "b"]


def errors(*values: float) -> dict[int, np.ndarray]:
    return {timestep: np.array(values) for timestep in TIMESTEPS}


def test_the_change_is_a_share_of_the_full_models_error_and_an_equal_change_has_no_width() -> None:
    full = [errors(0.1, 0.2, 0.3), errors(0.3, 0.2, 0.1)]
    worse = [{timestep: value + 0.02 for timestep, value in training.items()} for training in full]
    table = compare({FULL: full, "b1": worse}, OUTFITS).set_index(["variant", "timestep"])
    for timestep in TIMESTEPS:
        assert table.loc[(FULL, timestep)].tolist() == pytest.approx([0.2, 0, 0, 0])
        assert table.loc[("b1", timestep)].tolist() == pytest.approx([0.22, 0.1, 0.1, 0.1])


def test_trainings_that_disagree_make_the_interval_wide_though_all_outfits_agree() -> None:
    full = [errors(0.2, 0.2, 0.2)] * 2
    other = [errors(0.1, 0.1, 0.1), errors(0.3, 0.3, 0.3)]
    table = compare({FULL: full, "b1": other}, OUTFITS).set_index(["variant", "timestep"])
    change, low, high = table.loc[("b1", TIMESTEPS[0]), ["change", "low", "high"]]
    assert change == pytest.approx(0)
    assert (low, high) == pytest.approx((-0.5, 0.5))
