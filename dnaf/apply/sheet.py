"""Images that show what an application was given and what it made of it."""

from collections.abc import Sequence

import numpy as np

from dnaf.apply.masks.mask import Mask
from dnaf.core import images
from dnaf.core.images import Pixels
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.openpose import keypoints_to_pose_map

_SMALLEST_WIDTH = 144  # pixels of an image in a sheet; smaller ones are enlarged by a whole factor
_GAP = 4


def with_skeleton(image: Pixels, keypoints: Points, width: int = _SMALLEST_WIDTH) -> Pixels:
    """The image, faded and enlarged, under the skeleton of keypoints (18, 2) in its pixels."""
    frame = image.shape[:2]
    image = enlarged(image, width)
    skeleton = keypoints_to_pose_map(keypoints, image.shape[:2], frame)
    return np.where(skeleton.any(axis=2, keepdims=True), skeleton, image // 2 + 64)


def with_mask(image: Pixels, mask: Mask) -> Pixels:
    """The image with what is inside the mask in red."""
    red = image // 2 + np.array([127, 0, 0], np.uint8)
    return np.where(mask[..., None], red, image)


def enlarged(image: Pixels, width: int = _SMALLEST_WIDTH) -> Pixels:
    """The image at least `width` pixels wide, each pixel a square."""
    factor = -(-width // image.shape[1])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def sheet(rows: Sequence[Sequence[Pixels]]) -> Pixels:
    """Rows of images of one size, white between them."""
    framed = [
        [np.pad(image, ((_GAP, 0), (_GAP, 0), (0, 0)), constant_values=255) for image in row] for row in rows
    ]
    return np.pad(images.sheet(framed), ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
