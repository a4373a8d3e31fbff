"""The training loss: denoise targets at a random timestep, their styles noised to the same timestep."""

import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_snr

from dnaf.core import config
from dnaf.model.autoencoder import Autoencoder
from dnaf.model.denoiser import DNAFDenoiser
from dnaf.train.draw import Draw

_BACKGROUND_TOLERANCE = 0.12  # of the [-1,1] range, per channel; JPEG noise and soft shadows stay below
_CORNER = 2  # pixels from the corner, where the demo's and DeepFashion's images show background


def training_loss(
    denoiser: DNAFDenoiser,
    autoencoder: Autoencoder,
    schedule: DDPMScheduler,
    batch: dict[str, torch.Tensor],
    random: Draw,
    params: config.Train,
    clean_style: bool = False,
) -> torch.Tensor:
    """Mean loss of a batch between what is predicted and what the schedule's `prediction_type` asks for.

    Args:
        schedule: the noise that training adds, whatever scheduler samples later.
        batch: of `TrainingPairs`, collated, with `source_latent`, `target_latent` and, where there are more
            sources, `other_source_latent`.
        clean_style: the model's ablation: its style is at timestep 0 and not at its target's.
    """
    latent, style_noise = batch["target_latent"], random.style_noise
    source, style_latent, source_pose_map = (
        batch[name] for name in ("source", "source_latent", "source_pose_map")
    )
    style_timestep = torch.zeros_like(random.timestep) if clean_style else random.timestep
    has_other = batch.get("has_other")
    if has_other is not None and random.other_style_noise is not None:
        # Rows [each target's source | all others of the first target | of the second | …].
        source, style_latent, source_pose_map, style_noise = (
            torch.cat([first, others.flatten(0, 1)])
            for first, others in (
                (source, batch["other_source"]),
                (style_latent, batch["other_source_latent"]),
                (source_pose_map, batch["other_source_pose_map"]),
                (style_noise, random.other_style_noise),
            )
        )
        style_timestep = torch.cat([style_timestep, style_timestep.repeat_interleave(has_other.shape[1])])
    prediction = denoiser(
        schedule.add_noise(latent, random.noise, random.timestep),
        schedule.add_noise(style_latent, style_noise, style_timestep),
        random.timestep,
        source,
        source_pose_map,
        batch["target_pose_map"],
        keep=random.keep,
        style_grad=params.style_grad,
        keep_pose=random.keep if params.drop_pose else None,
        has_other=has_other,
    )
    difference = prediction.float() - prediction_target(schedule, latent, random)
    error = difference.abs() if params.loss == "l1" else difference.square()
    weight = autoencoder.cell_weights(1 + params.foreground_weight * foreground(batch["target"]))
    # Normalised within each image, so that the loss does not depend on how a batch is divided.
    error = error * weight / weight.mean((1, 2, 3), keepdim=True)
    if params.max_noise_weight is not None:
        error = error * noise_weight(schedule, random.timestep, params).view(-1, 1, 1, 1)
    if params.min_snr_gamma is not None:
        error = error * min_snr_weight(schedule, random.timestep, params.min_snr_gamma).view(-1, 1, 1, 1)
    return error.mean()


def prediction_target(schedule: DDPMScheduler, latent: torch.Tensor, random: Draw) -> torch.Tensor:
    """What the model is to predict, (B,C,h,w): the latent, its noise, or the velocity of both."""
    kind = schedule.config.prediction_type
    if kind == "sample":
        return latent
    if kind == "epsilon":
        return random.noise
    if kind == "v_prediction":
        velocity: torch.Tensor = schedule.get_velocity(latent, random.noise, random.timestep)
        return velocity
    raise ValueError(f"prediction_type {kind}")


def min_snr_weight(schedule: DDPMScheduler, timestep: torch.Tensor, gamma: float) -> torch.Tensor:
    """Min-SNR-γ weights of squared errors, (B,); in terms of the clean latent's error they are min(SNR, γ).

    Source: arXiv 2303.09556, Section 3.4: min(SNR, γ) for the latent, divided by SNR for its noise and by
    SNR + 1 for the velocity. Without any signal (SNR 0) the noise weighs 1, the limit.
    """
    snr = compute_snr(schedule, timestep)
    clipped = snr.clamp(max=gamma)
    if schedule.config.prediction_type == "epsilon":
        return torch.where(snr > 0, clipped / snr, 1.0)
    return clipped / (snr + 1) if schedule.config.prediction_type == "v_prediction" else clipped


def noise_weight(schedule: DDPMScheduler, timestep: torch.Tensor, params: config.Train) -> torch.Tensor:
    """w = min(1/σ, `max_noise_weight`), (B,), or w² for squared errors.

    For a prediction of the clean latent, w² without the bound gives the loss of a prediction of velocity:
    the error left of white data of variance 1 is then the same at every timestep.
    """
    kept = schedule.alphas_cumprod.to(timestep.device)[timestep]
    weight = (1 - kept).rsqrt().clamp(max=params.max_noise_weight)
    return weight if params.loss == "l1" else weight.square()


def foreground(image: torch.Tensor) -> torch.Tensor:
    """(B,3,H,W) in [-1,1] -> (B,1,H,W), 1 where the image differs from its plain background, else 0."""
    background = image[:, :, _CORNER : _CORNER + 1, _CORNER : _CORNER + 1]
    return ((image - background).abs().amax(1, keepdim=True) > _BACKGROUND_TOLERANCE).float()
