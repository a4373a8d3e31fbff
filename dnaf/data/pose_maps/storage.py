"""How pose maps of any number of channels stand in an image store, and how they are shown.

Three channels are one RGB image. Other numbers are one grey image, the channels stacked along its
height. All are 8 bits: heatmaps are rounded to 1/255.
"""

import numpy as np

from dnaf.core.images import Pixels
from dnaf.data.store import ImageStore


def stack(pose_map: Pixels) -> Pixels:
    """uint8 (H, W, C) -> what is stored: RGB (H, W, 3), or grey (C * H, W)."""
    height, width, channels = pose_map.shape
    if channels == 3:
        return pose_map
    return pose_map.transpose(2, 0, 1).reshape(channels * height, width)


def read_pose_map(store: ImageStore, name: str) -> Pixels:
    """uint8 (H, W, C) of a member.

    Raises:
        StateError: no such member, or damaged.
    """
    image = store.image(name)
    channels = store.info["channels"]
    if channels == 3:
        return image
    return image[..., 0].reshape(channels, -1, image.shape[1]).transpose(1, 2, 0)


def to_rgb(pose_map: Pixels) -> Pixels:
    """uint8 RGB (H, W, 3) to look at: the skeleton, or of heatmaps (18 channels) all joints."""
    if pose_map.shape[2] == 18:
        return np.repeat(pose_map.max(axis=2, keepdims=True), 3, axis=2)
    return np.ascontiguousarray(pose_map[..., :3])
