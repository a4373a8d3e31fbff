"""Schedulers by name, all of the base model's own noise schedule, and that schedule itself."""

from inspect import signature
from typing import Any

import diffusers
from diffusers import DDPMScheduler, SchedulerMixin

from dnaf.core.errors import ConfigError, one_line

SCHEDULERS = {
    "ddim": "DDIMScheduler",
    "ddpm": "DDPMScheduler",
    "deis": "DEISMultistepScheduler",
    "dpm++": "DPMSolverMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "lcm": "LCMScheduler",
    "pndm": "PNDMScheduler",
    "unipc": "UniPCMultistepScheduler",
}
_NO_SAMPLE_PREDICTION = ("heun", "pndm")  # diffusers 0.42: NotImplementedError, ValueError


def make_scheduler(name: str, scheduler: SchedulerMixin) -> SchedulerMixin:
    """The scheduler `name` for the schedule and the prediction type of another scheduler.

    Raises:
        ConfigError: the scheduler cannot follow the schedule, or take what the model predicts, or
            needs a package that is not there, as `use_beta_sigmas` does.
    """
    kind = getattr(diffusers, SCHEDULERS[name])
    known = signature(kind.__init__).parameters
    if scheduler.config.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in known:
        raise _unfit(name, "it has no schedule that ends in pure noise, as this model's does")
    if scheduler.config.prediction_type == "sample" and name in _NO_SAMPLE_PREDICTION:
        raise _unfit(name, "it takes no predictions of the clean latent, as this model's are")
    # Some schedulers clip to the range of pixels unless told otherwise; latents go beyond it.
    options: dict[str, Any] = {"clip_sample": False} if "clip_sample" in known else {}
    try:
        return kind.from_config(scheduler.config, **options)
    except ImportError as error:
        raise _unfit(name, one_line(error)) from error


def training_schedule(scheduler: SchedulerMixin) -> DDPMScheduler:
    """The schedule that latents are noised with in training, whatever scheduler samples from it.

    `add_noise` of multistep schedulers ignores its timesteps during sampling (diffusers 0.42).
    """
    return DDPMScheduler.from_config(scheduler.config)


def _unfit(name: str, reason: str) -> ConfigError:
    return ConfigError(
        f"params.yaml: generate.scheduler: does not fit this model (found {name}: {reason}). "
        "Choose ddim, dpm++ or unipc."
    )
