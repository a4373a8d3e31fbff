import pytest
import torch

from dnaf.train.draw import Draw, draw
from tests.helpers.training_project import train_params

LATENT = (12, 16, 12)


def draws(positions: list[int], seed: int = 0) -> Draw:
    return draw(positions, LATENT, train_params(batch_size=4), 1000, seed)


def test_a_draw_depends_on_seed_and_position_whatever_the_split() -> None:
    together = draws([4, 5, 6, 7])
    for share in ([4, 6], [5, 7], [7], [6, 5, 4]):
        some, indices = draws(share), [position - 4 for position in share]
        assert torch.equal(some.timestep, together.timestep[indices])
        assert torch.equal(some.noise, together.noise[indices])
        assert torch.equal(some.style_noise, together.style_noise[indices])
        assert torch.equal(some.keep, together.keep[indices])


def test_draws_of_another_seed_or_position_differ() -> None:
    first = draws([0])
    for other in (draws([4]), draws([0], seed=1)):
        assert not torch.equal(other.noise, first.noise)
        assert not torch.equal(other.style_noise, first.style_noise)
    assert not torch.equal(first.noise, first.style_noise)


def test_the_timesteps_of_a_batch_are_spread_over_their_range() -> None:
    params = train_params(batch_size=4, timestep_sampling="uniform")
    for step in range(20):
        timesteps = draw(list(range(4 * step, 4 * step + 4)), LATENT, params, 1000, seed=0).timestep
        assert (timesteps // 250).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("dropout", [0.0, 0.3, 1.0])
def test_styles_are_dropped_as_often_as_asked_for(dropout: float) -> None:
    keep = draw(list(range(300)), (1, 1, 1), train_params(condition_dropout=dropout), 1000, 0).keep
    assert 1 - keep.float().mean() == pytest.approx(dropout, abs=0.08 if 0 < dropout < 1 else 0)
