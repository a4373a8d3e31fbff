from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler
from torch import nn

from dnaf.model.autoencoder import LosslessAutoencoder
from dnaf.train.draw import draw
from dnaf.train.loss import foreground, min_snr_weight, noise_weight, prediction_target, training_loss
from tests.helpers.training_project import SIZE, random_inputs, tiny_pipeline, train_params

LATENT = (12, 16, 12)
KINDS = ("sample", "epsilon", "v_prediction")


class Oracle(nn.Module):
    """Predicts given latents, whatever it is shown."""

    def __init__(self, prediction: torch.Tensor) -> None:
        super().__init__()
        self.prediction = prediction

    def forward(self, *inputs: torch.Tensor, **options: object) -> torch.Tensor:
        return self.prediction


def pair_batch() -> dict[str, torch.Tensor]:
    """Two examples: white, with a grey square in the middle of the target."""
    inputs = random_inputs(2, 2)
    target = torch.ones(2, 3, *SIZE)
    target[:, :, 8:24, 8:16] = 0.0
    autoencoder = LosslessAutoencoder(2)
    return {
        "source": inputs.style,
        "target": target,
        "source_pose_map": inputs.style_pose_map,
        "target_pose_map": inputs.pose_map,
        "source_latent": autoencoder.encode(inputs.style),
        "target_latent": autoencoder.encode(target),
    }


def schedule(prediction_type: str = "sample", **changes: Any) -> DDPMScheduler:
    """The noise of Stable Diffusion."""
    betas = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    return DDPMScheduler(prediction_type=prediction_type, **{**betas, **changes})


def loss_of(error: torch.Tensor, prediction_type: str = "sample", **changes: Any) -> float:
    """The loss of a prediction that is off by `error`."""
    batch, autoencoder, params = pair_batch(), LosslessAutoencoder(2), train_params(**changes)
    random = draw([0, 1], LATENT, params, 1000, seed=0)
    noises = schedule(prediction_type)
    oracle = Oracle(prediction_target(noises, batch["target_latent"], random) + error)
    return float(training_loss(oracle, autoencoder, noises, batch, random, params))


@pytest.mark.parametrize("loss", ["l1", "mse"])
@pytest.mark.parametrize("prediction_type", KINDS)
def test_a_perfect_prediction_costs_nothing(loss: str, prediction_type: str) -> None:
    assert loss_of(torch.zeros(2, *LATENT), prediction_type, loss=loss) == 0


@pytest.mark.parametrize("prediction_type", KINDS)
def test_latent_and_noise_are_recovered_from_the_noised_latent_and_what_is_predicted(
    prediction_type: str,
) -> None:
    noises, latent = schedule(prediction_type), torch.randn(2, *LATENT)
    random = draw([0, 1], LATENT, train_params(), 1000, seed=0)
    noised = noises.add_noise(latent, random.noise, random.timestep)
    predicted = prediction_target(noises, latent, random)
    for index, timestep in enumerate(random.timestep):
        noises.set_timesteps(1000)
        step = noises.step(predicted[index], timestep, noised[index])
        torch.testing.assert_close(
            step.pred_original_sample.clamp(-1, 1), latent[index].clamp(-1, 1), atol=1e-3, rtol=0
        )


def test_an_unknown_prediction_type_is_not_trained() -> None:
    random = draw([0, 1], LATENT, train_params(), 1000, seed=0)
    with pytest.raises(ValueError, match="prediction_type flow"):
        prediction_target(schedule("flow"), torch.zeros(2, *LATENT), random)


def test_min_snr_weighs_one_error_of_the_latent_the_same_whatever_is_predicted() -> None:
    """The same wrong latent, told as latent, noise or velocity, costs the same: min(SNR, 5) |x - x'|²."""
    timestep = torch.tensor([0, 100, 300, 500, 700, 900, 999])
    kept = schedule().alphas_cumprod[timestep]
    snr = kept / (1 - kept)
    as_noise = -(kept**0.5) / (1 - kept) ** 0.5  # noise = (noised - √ᾱ latent) / √(1-ᾱ)
    as_velocity = -1 / (1 - kept) ** 0.5  # velocity = √ᾱ noise - √(1-ᾱ) latent
    for kind, factor in (("sample", torch.ones(7)), ("epsilon", as_noise), ("v_prediction", as_velocity)):
        weight = min_snr_weight(schedule(kind), timestep, 5.0)
        torch.testing.assert_close(weight * factor**2, snr.clamp(max=5.0), rtol=1e-3, atol=0)


def test_min_snr_is_finite_without_any_signal() -> None:
    last = torch.tensor([999])
    for kind, expected in (("sample", 0.0), ("epsilon", 1.0), ("v_prediction", 0.0)):
        assert min_snr_weight(schedule(kind, rescale_betas_zero_snr=True), last, 5.0) == expected


def test_min_snr_weighs_each_example_of_a_batch_by_its_own_timestep() -> None:
    error, options = torch.full((2, *LATENT), 0.5), {"loss": "mse", "min_snr_gamma": 1.0}
    timestep = draw([0, 1], LATENT, train_params(), 1000, seed=0).timestep
    expected = 0.25 * min_snr_weight(schedule(), timestep, 1.0).mean()
    assert loss_of(error, **options) == pytest.approx(float(expected), rel=1e-5)


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


def test_noise_weight_is_one_over_sigma_squared_for_squares_and_bounded() -> None:
    timestep = torch.tensor([0, 300, 999])
    sigma = (1 - schedule().alphas_cumprod[timestep]).sqrt()
    for loss, power in (("l1", 1), ("mse", 2)):
        params = train_params(loss=loss, max_noise_weight=4.0)
        expected = (1 / sigma).clamp(max=4.0) ** power
        torch.testing.assert_close(noise_weight(schedule(), timestep, params), expected)


def test_weighted_squares_of_the_clean_latent_cost_what_those_of_its_velocity_do() -> None:
    """latent - latent' = -σ (velocity - velocity')."""
    error, sigma = torch.full((2, *LATENT), 0.5), 0.6
    timestep = torch.tensor([int(((1 - schedule().alphas_cumprod).sqrt() - sigma).abs().argmin())])
    params = train_params(loss="mse", max_noise_weight=1e6)
    weight = noise_weight(schedule(), timestep, params)
    torch.testing.assert_close(
        weight * (sigma * error).square().mean(), error.square().mean()[None], rtol=1e-2, atol=0
    )


def test_a_clean_style_comes_with_the_noise_of_timestep_0() -> None:
    class Seen(nn.Module):
        def forward(self, *inputs: torch.Tensor, **options: object) -> torch.Tensor:
            self.style = inputs[1]
            return inputs[0]

    seen, params, batch = Seen(), train_params(), pair_batch()
    random = draw([0, 1], LATENT, params, 1000, seed=0)
    training_loss(seen, LosslessAutoencoder(2), schedule(), batch, random, params, clean_style=True)
    expected = schedule().add_noise(
        batch["source_latent"], random.style_noise, torch.zeros(2, dtype=torch.long)
    )
    assert torch.equal(seen.style, expected)


@pytest.mark.parametrize("style_grad", [True, False])
def test_the_loss_of_a_real_model_is_finite_and_has_gradients(style_grad: bool) -> None:
    pipeline, params = tiny_pipeline(), train_params(style_grad=style_grad)
    random = draw([0, 1], LATENT, params, 1000, seed=0)
    loss = training_loss(pipeline.denoiser, pipeline.autoencoder, schedule(), pair_batch(), random, params)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad.isfinite().all() for p in pipeline.denoiser.parameters())
