"""What the base is trained on: single images, and sheets of two views of one person.

A sheet's second view attends to the first's keys and values at the same noise level, as the target of a DNAF
model does to its style's, so that matching is learnt before any adapter is there.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dnaf.core import seeds
from dnaf.data.demo.figure import JOINTS
from dnaf.pretraining.params import Denoising
from dnaf.pretraining.training import random_normal

_NECK, _HIPS = (
    JOINTS.index("neck"),
    [JOINTS.index(f"{side}_hip") for side in ("right", "left")],
)
_JITTER = 2  # cells by which a crop is moved at most


@dataclass(frozen=True)
class Rows:
    """Rows of one UNet batch: [styles | unconditional | targets], target i with style i.

    Attributes:
        clean, noise: (S+P+S,C,h,w) latents. timestep: (S+P+S,) int64.
        num_styles, num_unconditional: S, P.
    """

    clean: torch.Tensor
    noise: torch.Tensor
    timestep: torch.Tensor
    num_styles: int
    num_unconditional: int

    def to(self, device: torch.device) -> "Rows":
        clean, noise = (
            each.to(device, memory_format=torch.channels_last) for each in (self.clean, self.noise)
        )
        return Rows(clean, noise, self.timestep.to(device), self.num_styles, self.num_unconditional)


class Examples:
    """Examples by position: a function of (seed, position) and the latents.

    Args:
        latents: (outfits,6,C,h,w) of the outfits that are trained on.
        keypoints: (outfits,6,18,2) in cells.
    """

    def __init__(
        self, latents: NDArray[np.float16], keypoints: NDArray[np.float32], params: Denoising, seed: int
    ) -> None:
        self._latents, self._params, self._seed = latents, params, seed
        self._centres = torso_centres(keypoints)

    def rows(self, positions: list[int], num_timesteps: int) -> Rows:
        """The rows of the examples at some positions."""
        styles, unconditional, targets = [], [], []
        for position in positions:
            timestep = self._timestep(position, num_timesteps)
            views = self._views(position)
            if len(views) == 1:
                unconditional.append((position, views[0], timestep))
            else:
                styles.append((position, views[0], timestep))
                targets.append((position, views[1], timestep))
        every = [*styles, *unconditional, *targets]
        clean = torch.stack([latent for _, latent, _ in every])
        shape = tuple(clean.shape[1:])
        purposes = ["first noise"] * (len(styles) + len(unconditional)) + ["second noise"] * len(targets)
        noise = [
            random_normal(shape, self._seed, purpose, position)
            for purpose, (position, _, _) in zip(purposes, every, strict=True)
        ]
        timesteps = torch.tensor([timestep for _, _, timestep in every])
        return Rows(clean, torch.stack(noise), timesteps, len(styles), len(unconditional))

    def _timestep(self, position: int, num_timesteps: int) -> int:
        """Uniform, stratified over a batch; the strata move on by one a batch, past sheets and singles."""
        size = self._params.batch_size
        stratum = (position + position // size) % size
        uniform = seeds.generator(self._seed, "base timestep", position).random()
        return min(int((stratum + uniform) / size * num_timesteps), num_timesteps - 1)

    def _views(self, position: int) -> list[torch.Tensor]:
        """One latent, or two of one outfit, cropped around the torso if crops are asked for."""
        rng = seeds.generator(self._seed, "base example", position)
        share = self._params.sheets
        count = 2 if int((position + 1) * share) > int(position * share) else 1
        while True:
            outfit = int(rng.integers(len(self._latents)))
            visible = list(range(len(self._latents[outfit])))
            if self._params.crop is not None:
                visible = [view for view in visible if not np.isnan(self._centres[outfit, view, 0])]
            if len(visible) >= count:
                break
        views = rng.choice(visible, count, replace=False)
        return [self._view(outfit, int(view), rng) for view in views]

    def _view(self, outfit: int, view: int, rng: np.random.Generator) -> torch.Tensor:
        latent = self._latents[outfit, view]
        if self._params.crop is not None:
            centre = self._centres[outfit, view] + rng.integers(-_JITTER, _JITTER + 1, 2)
            latent = crop(latent, centre, self._params.crop)
        return torch.from_numpy(np.array(latent, np.float32))


def torso_centres(keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keypoints (...,18,2) -> points (...,2), x then y, between neck and hips; NaN where one is hidden."""
    hips = keypoints[..., _HIPS, :].mean(-2)
    centres: NDArray[np.float32] = 0.55 * keypoints[..., _NECK, :] + 0.45 * hips
    return centres


def crop(latent: NDArray[np.float16], centre: NDArray[np.float32], side: int) -> NDArray[np.float16]:
    """A square of a latent (C,h,w) around a point (x, y), moved inside it."""
    height, width = latent.shape[-2:]
    left = int(np.clip(round(float(centre[0]) - side / 2), 0, width - side))
    top = int(np.clip(round(float(centre[1]) - side / 2), 0, height - side))
    return latent[..., top : top + side, left : left + side]
