"""Style mixing: one image in which regions have the appearance of different styles."""

from typing import Any

import torch
from torch.nn import functional

from dnaf.apply.masks.mask import Mask, Weights
from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.core.images import Pixels
from dnaf.data.keypoints.keypoints import Points


def mix(painter: Painter, inside: Person, outside: Person, keypoints: Points, mask: Mask | Weights) -> Pixels:
    """A person in a pose with one style inside the mask and another outside, uint8 RGB (H, W, 3).

    Both styles are generated side by side; after each step both go on from the same mixed latent, so that
    each sees what the other has made of its region.

    Args:
        keypoints: (18, 2) in pixels of the frame.
        mask: bool (H, W) in the frame; or weights of the inner style, softer at the edge.
    """
    height, width = painter.noise.shape[2:]
    share = functional.adaptive_avg_pool2d(torch.from_numpy(mask)[None, None].float(), (height, width))

    def join(pipeline: Any, index: int, timestep: int, values: dict[str, Any]) -> dict[str, Any]:
        of_inside, of_outside = values["latents"].chunk(2)
        weight = share.to(of_inside.device)
        mixed = weight * of_inside + (1 - weight) * of_outside
        return {"latents": mixed.repeat(2, 1, 1, 1)}

    return painter.generate([inside, outside], [keypoints, keypoints], join)[0]
