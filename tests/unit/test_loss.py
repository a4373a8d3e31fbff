import pytest
import torch
from torch import nn

from dnaf.model.codec import LosslessCodec
from dnaf.train.loss import Draw, draw, foreground, training_loss
from tests.training_project import SIZE, random_inputs, tiny_pipeline, train_params

LATENT = (12, 16, 12)


class Oracle(nn.Module):
    """Predicts given latents, whatever it is shown."""

    def __init__(self, prediction: torch.Tensor) -> None:
        super().__init__()
        self.prediction = prediction

    def forward(self, *inputs: torch.Tensor, keep: torch.Tensor, style_grad: bool) -> torch.Tensor:
        return self.prediction


def pair_batch() -> dict[str, torch.Tensor]:
    """Two examples: white, with a grey square in the middle of the target."""
    inputs = random_inputs(2, 2)
    target = torch.ones(2, 3, *SIZE)
    target[:, :, 8:24, 8:16] = 0.0
    return {
        "source": inputs.style,
        "target": target,
        "source_pose": inputs.style_pose,
        "target_pose": inputs.pose,
    }


def loss_of(error: torch.Tensor, **changes: float | str) -> float:
    """The loss of a prediction that is off by `error`."""
    batch, codec, params = pair_batch(), LosslessCodec(2), train_params(**changes)
    oracle = Oracle(codec.encode(batch["target"]) + error)
    scheduler = tiny_pipeline().scheduler
    random = draw([0, 1], LATENT, params, 1000, seed=0)
    return float(training_loss(oracle, codec, scheduler, batch, random, params))


def draws(positions: list[int], seed: int = 0) -> Draw:
    return draw(positions, LATENT, train_params(batch_size=4), 1000, seed)


def test_a_draw_depends_on_seed_and_position_whatever_the_split() -> None:
    together = draws([4, 5, 6, 7])
    for share in ([4, 6], [5, 7], [7], [6, 5, 4]):
        part, indices = draws(share), [position - 4 for position in share]
        assert torch.equal(part.timestep, together.timestep[indices])
        assert torch.equal(part.noise, together.noise[indices])
        assert torch.equal(part.style_noise, together.style_noise[indices])
        assert torch.equal(part.keep, together.keep[indices])


def test_draws_of_another_seed_or_position_differ() -> None:
    first = draws([0])
    for other in (draws([4]), draws([0], seed=1)):
        assert not torch.equal(other.noise, first.noise)
        assert not torch.equal(other.style_noise, first.style_noise)
    assert not torch.equal(first.noise, first.style_noise)


def test_the_timesteps_of_a_batch_are_spread_over_their_range() -> None:
    params = train_params(batch_size=4, timestep_power=1.0)
    for step in range(20):
        timesteps = draw(list(range(4 * step, 4 * step + 4)), LATENT, params, 1000, seed=0).timestep
        assert (timesteps // 250).tolist() == [0, 1, 2, 3]


def test_a_smaller_power_gives_noisier_timesteps() -> None:
    means = [
        draw(list(range(40)), LATENT, train_params(timestep_power=power), 1000, 0).timestep.float().mean()
        for power in (1.0, 0.25)
    ]
    assert means[0] == pytest.approx(500, abs=60)
    assert means[1] == pytest.approx(800, abs=60)


@pytest.mark.parametrize("dropout", [0.0, 0.3, 1.0])
def test_styles_are_dropped_as_often_as_asked_for(dropout: float) -> None:
    keep = draw(list(range(300)), (1, 1, 1), train_params(condition_dropout=dropout), 1000, 0).keep
    assert 1 - keep.float().mean() == pytest.approx(dropout, abs=0.08 if 0 < dropout < 1 else 0)


@pytest.mark.parametrize("loss", ["l1", "mse"])
def test_a_perfect_prediction_costs_nothing(loss: str) -> None:
    assert loss_of(torch.zeros(2, *LATENT), loss=loss) == 0


@pytest.mark.parametrize(("loss", "expected"), [("l1", 0.5), ("mse", 0.25)])
def test_a_constant_error_costs_the_same_whatever_the_weights(loss: str, expected: float) -> None:
    for weight in (0.0, 2.0, 10.0):
        assert loss_of(torch.full((2, *LATENT), 0.5), loss=loss, foreground_weight=weight) == pytest.approx(
            expected, rel=1e-5
        )


def test_an_error_on_the_person_costs_its_weight_more_than_one_beside() -> None:
    on_person, beside = torch.zeros(2, 2, *LATENT)
    on_person[:, :, 4:12, 4:8] = 1.0  # the grey square, in cells of two pixels
    beside[:, :, 4:12, 0:4] = 1.0
    assert loss_of(on_person, foreground_weight=2.0) == pytest.approx(
        3 * loss_of(beside, foreground_weight=2.0), rel=1e-5
    )


def test_foreground_is_what_differs_from_the_corner() -> None:
    image = pair_batch()["target"]
    expected = torch.zeros(2, 1, *SIZE)
    expected[:, :, 8:24, 8:16] = 1
    assert torch.equal(foreground(image), expected)
    assert torch.equal(foreground(image - 0.05 * torch.rand_like(image)), expected)


@pytest.mark.parametrize("style_grad", [True, False])
def test_the_loss_of_a_real_model_is_finite_and_has_gradients(style_grad: bool) -> None:
    pipeline, params = tiny_pipeline(), train_params(style_grad=style_grad)
    random = draw([0, 1], LATENT, params, 1000, seed=0)
    loss = training_loss(pipeline.denoiser, pipeline.codec, pipeline.scheduler, pair_batch(), random, params)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad.isfinite().all() for p in pipeline.denoiser.parameters())
