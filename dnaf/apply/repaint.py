"""A region of an image painted anew, all else untouched: another garment, or another pose in the same place.

After each step the region to keep is put back, noised to the level of the *next* step. The field's scripts
use the level of the step just done, which is one too noisy (PIDM@e4f1d88:diffusion.py:52-54).
"""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from dnaf.apply.masks.mask import Mask, Weights, blend
from dnaf.apply.painter import OnStepEnd, Painter
from dnaf.apply.person import Person
from dnaf.core.images import Pixels
from dnaf.data.keypoints.keypoints import Points


def repaint(
    painter: Painter, image: Pixels, inside: Mask | Weights, style: Person, keypoints: Points
) -> Pixels:
    """An image whose region inside shows a person of some style and pose, uint8 RGB (H, W, 3).

    Args:
        image: uint8 (H, W, 3) in the frame.
        inside: bool (H, W) in the frame, true where to repaint, or weights that fall to 0 softly; where it
            is false or 0, pixels equal the image's.
        keypoints: of the person to be painted, (18, 2) in pixels of the frame.
    """
    known = painter.latent(image)
    put_back = keep_outside(inside > 0, known, painter.noise.to(known.device))
    (generated,) = painter.generate([style], [keypoints], put_back)
    return blend(generated, image, inside.astype(np.float32))


def try_on(painter: Painter, person: Person, garment: Mask | Weights, garment_from: Person) -> Pixels:
    """The person with the region of a garment in the other's appearance; see `repaint`."""
    return repaint(painter, person.image, garment, garment_from, person.keypoints)


def keep_outside(mask: Mask, known: torch.Tensor, noise: torch.Tensor) -> OnStepEnd:
    """What to do after each step: put back what is outside the mask, at the noise level of the next step.

    Args:
        mask: bool (H, W).
        known: latent of the image that is kept, (1, C, h, w), on the device of the latents.
        noise: likewise, what it is noised with.
    """
    inside = _cells(mask, known.shape[2:]).to(known.device)

    def put_back(pipeline: Any, index: int, timestep: int, values: dict[str, Any]) -> dict[str, Any]:
        following = pipeline.scheduler.timesteps[index + 1 : index + 2]
        noised = pipeline.scheduler.add_noise(known, noise, following) if len(following) else known
        return {"latents": torch.where(inside, values["latents"], noised)}

    return put_back


def _cells(mask: Mask, size: torch.Size) -> torch.Tensor:
    """Bool (1, 1, h, w): latent cells of which any pixel is inside, so that no kept pixel is repainted."""
    pixels = torch.from_numpy(mask)[None, None].float()
    return functional.adaptive_max_pool2d(pixels, list(size)).bool()
