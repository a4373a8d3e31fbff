"""CFLD's pose: a thin anti-aliased skeleton, and a heatmap of every joint.

Source: CFLD@f2ea2a7:pose_utils.py:14-24,53-72 and datasets/deepfashion.py:157 (21 channels).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.heatmaps import heatmaps
from dnaf.data.pose_maps.skeleton import COLOURS, LIMBS

_THICKNESS, _RADIUS = 2, 3  # pixels


def draw_pose_from_cords(keypoints: Points, size: Size, frame: Size) -> Pixels:
    """The skeleton: uint8 RGB (height, width, 3); arguments as of `heatmaps`."""
    height, width = size
    joints = [
        None if x != x else (int(x * (width / frame[1])), int(y * (height / frame[0])))  # NaN is missing
        for x, y in keypoints.tolist()
    ]
    canvas = np.zeros((height, width, 3), np.uint8)
    for (first, second), colour in zip(LIMBS, COLOURS, strict=False):
        start, end = joints[first], joints[second]
        if start is not None and end is not None:
            dimmed = tuple(int(0.6 * channel) for channel in colour)
            cv2.line(canvas, start, end, dimmed, _THICKNESS, cv2.LINE_AA)
    for joint, colour in zip(joints, COLOURS, strict=True):
        if joint is not None:
            cv2.circle(canvas, joint, _RADIUS, colour, -1, cv2.LINE_AA)
    return canvas


def build_pose_img(keypoints: Points, size: Size, frame: Size) -> NDArray[np.float32]:
    """Float32 (height, width, 21) in [0, 1]: the skeleton, then the heatmaps."""
    skeleton = draw_pose_from_cords(keypoints, size, frame).astype(np.float32) / 255
    return np.concatenate([skeleton, heatmaps(keypoints, size, frame)], axis=2)


def draw(keypoints: Points, size: Size, frame: Size) -> Pixels:
    """The same in levels, for a pose map: uint8."""
    return np.rint(build_pose_img(keypoints, size, frame) * 255).astype(np.uint8)
