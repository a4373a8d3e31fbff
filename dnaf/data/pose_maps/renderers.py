"""The field's ways to show a network a pose, by the names that `render.renderer` has for them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.cfld import build_pose_img
from dnaf.data.pose_maps.heatmaps import heatmaps
from dnaf.data.pose_maps.nted import get_label_tensor
from dnaf.data.pose_maps.openpose import keypoints_to_pose_map


def _rounded(maps: NDArray[np.float32]) -> Pixels:
    return np.rint(maps * 255).astype(np.uint8)


# Each draws keypoints (18, 2) in pixels of a frame on a canvas: uint8 (height, width, channels).
RENDERERS: dict[str, Callable[[Points, Size, Size], Pixels]] = {
    "openpose": keypoints_to_pose_map,
    "nted": get_label_tensor,
    "cfld": lambda keypoints, size, frame: _rounded(build_pose_img(keypoints, size, frame)),
    "heatmaps": lambda keypoints, size, frame: _rounded(heatmaps(keypoints, size, frame)),
}
