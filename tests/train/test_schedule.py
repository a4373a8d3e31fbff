from collections.abc import Callable

import numpy as np
import pytest

from dnaf.core import config
from dnaf.train.schedule import learning_rate, timestep
from tests.helpers.training_project import train_params


def test_the_rate_warms_up_linearly_and_ends_near_five_percent() -> None:
    params = train_params(steps=1000, lr=0.01, lr_warmup_steps=10)
    rates = [learning_rate(step, params) for step in range(1000)]
    assert rates[0] == pytest.approx(0.001, rel=1e-4)
    assert rates[4] == pytest.approx(0.005, rel=1e-3)
    assert max(rates) == pytest.approx(0.01, rel=1e-3)
    assert rates[500] == pytest.approx(0.01 * (0.05 + 0.95 / 2))
    assert rates[-1] == pytest.approx(0.01 * 0.05, rel=1e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_no_warm_up_starts_at_the_peak() -> None:
    assert learning_rate(0, train_params(lr=0.01, lr_warmup_steps=0)) == 0.01


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ("uniform", lambda share: share),
        ("cubic", lambda share: 1 - (1 - share) ** (1 / 3)),
        ("fourth_root", lambda share: share**4),
    ],
)
def test_timesteps_have_the_distribution_they_are_named_after(
    sampling: config.TimestepSampling, expected: Callable[[float], float]
) -> None:
    uniform = (np.arange(100_000) + 0.5) / 100_000
    drawn = np.array([timestep(u, sampling, 1000) for u in uniform])
    for share in (0.1, 0.3, 0.5, 0.9):
        assert (drawn < 1000 * share).mean() == pytest.approx(expected(share), abs=1e-4)


@pytest.mark.parametrize("sampling", ["uniform", "cubic", "fourth_root"])
def test_every_timestep_is_one_of_the_schedule(sampling: config.TimestepSampling) -> None:
    for uniform in (0.0, 1e-9, 0.5, 1 - 1e-12):
        assert 0 <= timestep(uniform, sampling, 1000) <= 999
