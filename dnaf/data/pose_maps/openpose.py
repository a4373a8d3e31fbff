"""Pose maps: keypoints drawn as a coloured skeleton, pixel for pixel as controlnet_aux draws them.

Limbs are filled ellipses 4 pixels to each side at 60 % of their colour, joints discs of radius 4 over them;
both are absolute, so that the look depends on the canvas.

Source: controlnet_aux@b1aac318:src/controlnet_aux/open_pose/util.py:69-123.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.skeleton import COLOURS, LIMBS

_HALF_WIDTH = 4  # pixels
_LIMB_COLOURS = tuple(tuple(int(channel * 0.6) for channel in colour) for colour in COLOURS[: len(LIMBS)])


def keypoints_to_pose_map(keypoints: Points, size: Size, frame: Size) -> Pixels:
    """Draws the visible joints and the limbs between them; a missing joint leaves no pixel.

    Args:
        keypoints: float (18, 2), x then y, in pixels of `frame`; missing joints are NaN.
        size: (height, width) of the result.
        frame: (height, width) that the keypoints refer to.

    Returns:
        uint8 RGB (height, width, 3), black where nothing is drawn.
    """
    height, width = size
    frame_height, frame_width = frame
    # controlnet_aux takes x / frame and multiplies by the size again. That loses a pixel at 7 of 176
    # columns (x = 15 becomes 14), and only the same division, in this order, gives the same pixels.
    joints = [
        None if x != x else (x / frame_width * width, y / frame_height * height)  # NaN differs from itself
        for x, y in keypoints.tolist()
    ]
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    for (first, second), colour in zip(LIMBS, _LIMB_COLOURS, strict=True):
        start, end = joints[first], joints[second]
        if start is not None and end is not None:
            cv2.fillConvexPoly(canvas, limb_polygon(start, end), colour)
    for joint, colour in zip(joints, COLOURS, strict=True):
        if joint is not None:
            cv2.circle(canvas, (int(joint[0]), int(joint[1])), _HALF_WIDTH, colour, -1)
    return canvas


def limb_polygon(start: tuple[float, float], end: tuple[float, float]) -> NDArray[np.int32]:
    """The outline of a limb between two points (x, y): int32 (N, 2), an ellipse 4 pixels to each side."""
    across, down = start[0] - end[0], start[1] - end[1]
    centre = int((start[0] + end[0]) / 2), int((start[1] + end[1]) / 2)
    half_length = int(math.sqrt(across * across + down * down) / 2)
    angle = int(math.degrees(math.atan2(down, across)))
    return np.asarray(cv2.ellipse2Poly(centre, (half_length, _HALF_WIDTH), angle, 0, 360, 1), np.int32)


draw = keypoints_to_pose_map
