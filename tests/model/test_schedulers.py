from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, EulerDiscreteScheduler, SchedulerMixin

from dnaf.core.errors import ConfigError
from dnaf.model.schedulers import SCHEDULERS, make_scheduler, training_schedule
from dnaf.pipeline import DNAFPipeline, DNAFPipelineOutput
from tests.helpers.training_project import random_inputs, tiny_pipeline

STEPS = 4
MORE_CALLS_THAN_STEPS = {"pndm": 13, "heun": 7}
FOR_THE_DEMO_S_MODEL = ("ddim", "ddpm", "dpm++", "euler", "lcm", "unipc")


def base_scheduler(**changes: Any) -> DDIMScheduler:
    """Stable Diffusion's schedule."""
    options = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, **changes}
    return DDIMScheduler(**{"clip_sample": False, "timestep_spacing": "trailing", **options})


def pipeline_of(scheduler: str, base: SchedulerMixin) -> DNAFPipeline:
    pipeline = tiny_pipeline()
    pipeline.scheduler = make_scheduler(scheduler, base)
    return pipeline


def sample(pipeline: DNAFPipeline, **options: Any) -> DNAFPipelineOutput:
    inputs = random_inputs(1, 2)
    return pipeline(
        style=inputs.image,
        style_pose_map=inputs.style_pose_map,
        pose_map=inputs.pose_map,
        style_index=torch.tensor([0, 0]),
        num_inference_steps=STEPS,
        output_type="pt",
        **{"latents": inputs.noise, "style_noise": inputs.style_noise, **options},
    )


def generators() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(number) for number in range(2)]


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_scheduler_samples_tells_its_model_calls_and_notes_the_style_s_level(scheduler: str) -> None:
    base = base_scheduler()
    pipeline, inputs, calls = pipeline_of(scheduler, base), random_inputs(1, 2), []
    pipeline.unet.register_forward_pre_hook(lambda unet, args: calls.append((args[0][:1], args[1])))
    result = sample(pipeline, generator=generators())
    assert result.images.isfinite().all()
    assert result.num_model_calls == len(calls) == MORE_CALLS_THAN_STEPS.get(scheduler, STEPS)
    schedule = DDPMScheduler.from_config(base.config)
    for style, timestep in calls:
        level = timestep.round().long().expand(1)
        noised = schedule.add_noise(pipeline.autoencoder.encode(inputs.style), inputs.style_noise, level)
        torch.testing.assert_close(style, noised, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("scheduler", FOR_THE_DEMO_S_MODEL)
def test_a_scheduler_samples_from_a_model_of_clean_latents_that_starts_at_pure_noise(scheduler: str) -> None:
    pipeline = tiny_pipeline()
    pipeline.scheduler = make_scheduler(scheduler, pipeline.scheduler)
    assert sample(pipeline, generator=generators()).images.isfinite().all()


@pytest.mark.parametrize("scheduler", sorted(SCHEDULERS.keys() - set(FOR_THE_DEMO_S_MODEL)))
def test_a_scheduler_that_does_not_fit_the_model_is_refused(scheduler: str) -> None:
    with pytest.raises(
        ConfigError, match=f"generate.scheduler: does not fit this model \\(found {scheduler}: it "
    ):
        make_scheduler(scheduler, tiny_pipeline().scheduler)


def test_a_spacing_of_timesteps_that_needs_a_package_is_refused_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wants_scipy = EulerDiscreteScheduler(use_beta_sigmas=True)
    make_scheduler("euler", wants_scipy)
    monkeypatch.setattr(f"{EulerDiscreteScheduler.__module__}.is_scipy_available", lambda: False)
    with pytest.raises(ConfigError, match=r"generate.scheduler: .*\(found euler: .*scipy"):
        make_scheduler("euler", wants_scipy)


def test_euler_and_ddim_solve_the_same_equation() -> None:
    """Only with the right start, scaling of the input and levels."""
    base = base_scheduler(timestep_spacing="leading")
    ddim, euler = (sample(pipeline_of(scheduler, base)).images for scheduler in ("ddim", "euler"))
    torch.testing.assert_close(euler, ddim, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("scheduler", ["ddim", "dpm++"])
def test_every_type_of_prediction_is_taken_for_what_it_is(scheduler: str) -> None:
    """One denoiser, told in three ways, gives one image."""
    latents = {}
    for kind in ("epsilon", "v_prediction", "sample"):
        solve = make_scheduler(scheduler, base_scheduler(prediction_type=kind))
        solve.set_timesteps(STEPS)
        level = training_schedule(solve).alphas_cumprod
        latent = random_inputs(1, 1).noise * solve.init_noise_sigma
        for timestep in solve.timesteps:
            signal, noise = level[timestep].sqrt(), (1 - level[timestep]).sqrt()
            clean = 0.5 * latent.tanh()
            epsilon = (latent - signal * clean) / noise
            told = {"epsilon": epsilon, "sample": clean, "v_prediction": signal * epsilon - noise * clean}
            latent = solve.step(told[kind], timestep, latent, return_dict=False)[0]
        latents[kind] = latent
    torch.testing.assert_close(latents["v_prediction"], latents["sample"], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(latents["epsilon"], latents["sample"], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("scheduler", ["ddpm", "lcm"])
def test_noise_that_a_scheduler_adds_is_each_target_s_own(scheduler: str) -> None:
    pipeline, inputs = pipeline_of(scheduler, base_scheduler()), random_inputs(1, 2)
    together = sample(pipeline, generator=generators()).images
    for index, generator in enumerate(generators()):
        alone = pipeline(
            style=inputs.image,
            style_pose_map=inputs.style_pose_map,
            pose_map=inputs.pose_map[index : index + 1],
            num_inference_steps=STEPS,
            latents=inputs.noise[index : index + 1],
            style_noise=inputs.style_noise,
            generator=[generator],
            output_type="pt",
        ).images
        torch.testing.assert_close(alone[0], together[index], atol=1e-4, rtol=1e-4)


def test_the_schedule_of_training_survives_every_scheduler() -> None:
    base = tiny_pipeline().scheduler
    for scheduler in FOR_THE_DEMO_S_MODEL:
        schedule = training_schedule(make_scheduler(scheduler, base))
        assert torch.equal(schedule.alphas_cumprod, base.alphas_cumprod), scheduler
