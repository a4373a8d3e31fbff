"""The random part of a batch: every example's from (seed, its position), however a batch is divided."""

from dataclasses import dataclass

import torch

from dnaf.core import config, seeds
from dnaf.train.schedule import timestep


@dataclass(frozen=True)
class Draw:
    """The random part of a batch.

    Attributes:
        timestep: (B,) int64. noise, style_noise: (B,C,h,w). keep: (B,) bool, False drops the style.
        other_style_noise: (B,K-1,C,h,w), of further sources; None: there are none.
    """

    timestep: torch.Tensor
    noise: torch.Tensor
    style_noise: torch.Tensor
    keep: torch.Tensor
    other_style_noise: torch.Tensor | None = None

    def to(self, device: torch.device) -> "Draw":
        return Draw(
            self.timestep.to(device),
            self.noise.to(device),
            self.style_noise.to(device),
            self.keep.to(device),
            None if self.other_style_noise is None else self.other_style_noise.to(device),
        )


def draw(
    positions: list[int], latent_shape: tuple[int, ...], params: config.Train, num_timesteps: int, seed: int
) -> Draw:
    """Draws timesteps and noise, each example from (seed, its position).

    Timesteps are stratified over a batch: example i of it has u = (i + uniform) / batch size.
    """
    timesteps, noises, style_noises, keeps, other_noises = [], [], [], [], []
    for position in positions:
        uniform = seeds.generator(seed, "timestep", position)
        fraction = (position % params.batch_size + uniform.random()) / params.batch_size
        timesteps.append(timestep(fraction, params.timestep_sampling, num_timesteps))
        keeps.append(bool(uniform.random() >= params.condition_dropout))
        generator = torch.Generator().manual_seed(seeds.seed(seed, "noise", position))
        noises.append(torch.randn(latent_shape, generator=generator))
        style_noises.append(torch.randn(latent_shape, generator=generator))
        # Drawn last, so that a training with one source has the noise that it has always had.
        other_noises.append(torch.randn((params.max_sources - 1, *latent_shape), generator=generator))
    return Draw(
        torch.tensor(timesteps),
        torch.stack(noises),
        torch.stack(style_noises),
        torch.tensor(keeps),
        torch.stack(other_noises) if params.max_sources > 1 else None,
    )
