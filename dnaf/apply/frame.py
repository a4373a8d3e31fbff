"""An image of any size in the model's frame, and its keypoints with it.

Not by Pillow's `ImageOps.pad` and `fit`: they do not say where the image went, which its keypoints must
follow, and `fit` cuts before it resizes, so that pixels at the edge miss their neighbours.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dnaf.core import images
from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points

Fit = Literal["pad", "crop"]


@dataclass(frozen=True)
class Placement:
    """Where an image lies in a frame: enlarged by `scale`, then moved; pixels of the frame, x then y."""

    scale: float
    offset: tuple[float, float]

    def points(self, keypoints: Points) -> Points:
        """Keypoints (18, 2) of the image in pixels of the frame."""
        return keypoints * self.scale + self.offset


def placement(image: Size, frame: Size, fit: Fit) -> Placement:
    """The whole image in the middle of the frame (`pad`), or the frame filled (`crop`); never distorted."""
    ratios = [frame[axis] / image[axis] for axis in (0, 1)]
    scale = min(ratios) if fit == "pad" else max(ratios)
    height, width = _scaled(image, scale)
    return Placement(scale, ((frame[1] - width) // 2, (frame[0] - height) // 2))


def place(image: Pixels, frame: Size, fit: Fit, around: int | None = None) -> Pixels:
    """The image, uint8 (H, W, 3), in a frame, as `placement` says.

    Args:
        around: value of what the image leaves free; None: the median colour of its border, which in
            photographs of this field is the background's.
    """
    where = placement(image.shape[:2], frame, fit)
    scaled = images.resize(image, _scaled(image.shape[:2], where.scale))
    left, top = (int(side) for side in where.offset)
    canvas = np.empty((*frame, 3), np.uint8)
    canvas[:] = _border_colour(image) if around is None else around
    rows, columns = _overlap(top, scaled.shape[0], frame[0]), _overlap(left, scaled.shape[1], frame[1])
    canvas[rows[0], columns[0]] = scaled[rows[1], columns[1]]
    return canvas


def _scaled(image: Size, scale: float) -> Size:
    return max(1, round(image[0] * scale)), max(1, round(image[1] * scale))


def _overlap(start: int, length: int, total: int) -> tuple[slice, slice]:
    """Where something of `length` at `start` lies inside of `total`: there, and in itself."""
    first, last = max(start, 0), min(start + length, total)
    return slice(first, last), slice(first - start, last - start)


def _border_colour(image: Pixels) -> Pixels:
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return np.asarray(np.median(border, axis=0), np.uint8)
