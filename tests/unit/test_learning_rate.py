import pytest

from dnaf.train.loop import learning_rate
from tests.training_project import train_params


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
