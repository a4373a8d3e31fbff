"""A picture of any size in the model's frame, and its keypoints with it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dnaf.core import images
from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points

Fit = Literal["pad", "crop"]


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in a frame: enlarged by `scale`, then moved; pixels of the frame, x then y."""

    scale: float
    offset: tuple[float, float]

    def points(self, keypoints: Points) -> Points:
        """Keypoints (18, 2) of the picture in pixels of the frame."""
        return keypoints * self.scale + self.offset


def placement(picture: Size, frame: Size, fit: Fit) -> Placement:
    """The whole picture in the middle of the frame (`pad`), or the frame filled (`crop`); never distorted."""
    ratios = [frame[axis] / picture[axis] for axis in (0, 1)]
    scale = min(ratios) if fit == "pad" else max(ratios)
    height, width = _scaled(picture, scale)
    return Placement(scale, ((frame[1] - width) // 2, (frame[0] - height) // 2))


def place(picture: Pixels, frame: Size, fit: Fit, around: int | None = None) -> Pixels:
    """The picture, uint8 (H, W, 3), in a frame, as `placement` says.

    Args:
        around: value of what the picture leaves free; None: the median colour of its border, which in
            photographs of this field is the background's.
    """
    where = placement(picture.shape[:2], frame, fit)
    scaled = images.resize(picture, _scaled(picture.shape[:2], where.scale))
    left, top = (int(side) for side in where.offset)
    canvas = np.empty((*frame, 3), np.uint8)
    canvas[:] = _border_colour(picture) if around is None else around
    rows, columns = _overlap(top, scaled.shape[0], frame[0]), _overlap(left, scaled.shape[1], frame[1])
    canvas[rows[0], columns[0]] = scaled[rows[1], columns[1]]
    return canvas


def _scaled(picture: Size, scale: float) -> Size:
    return max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale))


def _overlap(start: int, length: int, total: int) -> tuple[slice, slice]:
    """Where something of `length` at `start` lies inside of `total`: there, and in itself."""
    first, last = max(start, 0), min(start + length, total)
    return slice(first, last), slice(first - start, last - start)


def _border_colour(picture: Pixels) -> Pixels:
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return np.asarray(np.median(border, axis=0), np.uint8)
