"""The training loss: denoise targets at a random timestep, their styles noised to the same timestep."""

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DDIMScheduler

from dnaf import config, seeds
from dnaf.model.codec import Codec
from dnaf.model.denoiser import DNAFDenoiser

_BACKGROUND_TOLERANCE = 0.12  # of the [-1,1] range, per channel; JPEG noise and soft shadows stay below
_CORNER = 2  # pixels from the corner, where the demo's and DeepFashion's pictures show background


@dataclass(frozen=True)
class Draw:
    """The random part of a batch.

    Attributes:
        timestep: (B,) int64. noise, style_noise: (B,C,h,w). keep: (B,) bool, False drops the style.
    """

    timestep: torch.Tensor
    noise: torch.Tensor
    style_noise: torch.Tensor
    keep: torch.Tensor

    def to(self, device: torch.device) -> "Draw":
        return Draw(
            self.timestep.to(device),
            self.noise.to(device),
            self.style_noise.to(device),
            self.keep.to(device),
        )


def draw(
    positions: list[int], latent_shape: tuple[int, ...], params: config.Train, num_timesteps: int, seed: int
) -> Draw:
    """Draws timesteps and noise, each example from (seed, its position).

    Timesteps are stratified over a batch: u = (i + uniform) / batch size, t = T u^timestep_power.
    """
    timesteps, noises, style_noises, keeps = [], [], [], []
    for position in positions:
        uniform = seeds.generator(seed, "timestep", position)
        fraction = (position % params.batch_size + uniform.random()) / params.batch_size
        timesteps.append(min(int(fraction**params.timestep_power * num_timesteps), num_timesteps - 1))
        keeps.append(bool(uniform.random() >= params.condition_dropout))
        generator = torch.Generator().manual_seed(seeds.seed(seed, "noise", position))
        noises.append(torch.randn(latent_shape, generator=generator))
        style_noises.append(torch.randn(latent_shape, generator=generator))
    return Draw(
        torch.from_numpy(np.array(timesteps)),
        torch.stack(noises),
        torch.stack(style_noises),
        torch.tensor(keeps),
    )


def training_loss(
    denoiser: DNAFDenoiser,
    codec: Codec,
    scheduler: DDIMScheduler,
    batch: dict[str, torch.Tensor],
    random: Draw,
    params: config.Train,
) -> torch.Tensor:
    """Mean loss of a batch between the predicted and the true value of what the scheduler predicts.

    Args:
        batch: of `TrainingPairs`, collated.
    """
    latent, style_latent = codec.encode(batch["target"]), codec.encode(batch["source"])
    prediction = denoiser(
        scheduler.add_noise(latent, random.noise, random.timestep),
        scheduler.add_noise(style_latent, random.style_noise, random.timestep),
        random.timestep,
        batch["source"],
        batch["source_pose"],
        batch["target_pose"],
        keep=random.keep,
        style_grad=params.style_grad,
    )
    difference = prediction.float() - latent
    error = difference.abs() if params.loss == "l1" else difference.square()
    weight = 1 + params.foreground_weight * foreground(batch["target"])
    weight = codec.cell_weights(weight)
    # Normalised within each image, so that the loss does not depend on how a batch is divided.
    return (error * weight / weight.mean((1, 2, 3), keepdim=True)).mean()


def foreground(image: torch.Tensor) -> torch.Tensor:
    """(B,3,H,W) in [-1,1] -> (B,1,H,W), 1 where the image differs from its plain background, else 0."""
    background = image[:, :, _CORNER : _CORNER + 1, _CORNER : _CORNER + 1]
    return ((image - background).abs().amax(1, keepdim=True) > _BACKGROUND_TOLERANCE).float()
