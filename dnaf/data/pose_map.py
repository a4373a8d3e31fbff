"""Pose maps: keypoints drawn as a coloured skeleton, pixel for pixel as controlnet_aux draws them.

Limbs are filled ellipses 4 pixels to each side at 60 % of their colour, joints discs of radius 4 over them;
both are absolute, so that the look depends on the canvas.

Source: controlnet_aux@b1aac318:src/controlnet_aux/open_pose/util.py:69-123.
"""

import math

import cv2
import numpy as np

from dnaf.data.keypoints import Points
from dnaf.images import Pixels, Size

_HALF_WIDTH = 4  # pixels
_COLOURS = (
    (255, 0, 0),
    (255, 85, 0),
    (255, 170, 0),
    (255, 255, 0),
    (170, 255, 0),
    (85, 255, 0),
    (0, 255, 0),
    (0, 255, 85),
    (0, 255, 170),
    (0, 255, 255),
    (0, 170, 255),
    (0, 85, 255),
    (0, 0, 255),
    (85, 0, 255),
    (170, 0, 255),
    (255, 0, 255),
    (255, 0, 170),
    (255, 0, 85),
)
_LIMBS = (
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
_LIMB_COLOURS = tuple(tuple(int(channel * 0.6) for channel in colour) for colour in _COLOURS[: len(_LIMBS)])


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
    for (first, second), colour in zip(_LIMBS, _LIMB_COLOURS, strict=True):
        start, end = joints[first], joints[second]
        if start is not None and end is not None:
            _draw_limb(canvas, start, end, colour)
    for joint, colour in zip(joints, _COLOURS, strict=True):
        if joint is not None:
            cv2.circle(canvas, (int(joint[0]), int(joint[1])), _HALF_WIDTH, colour, -1)
    return canvas


def _draw_limb(
    canvas: Pixels, start: tuple[float, float], end: tuple[float, float], colour: tuple[int, ...]
) -> None:
    across, down = start[0] - end[0], start[1] - end[1]
    centre = int((start[0] + end[0]) / 2), int((start[1] + end[1]) / 2)
    half_length = int(math.sqrt(across * across + down * down) / 2)
    angle = int(math.degrees(math.atan2(down, across)))
    polygon = cv2.ellipse2Poly(centre, (half_length, _HALF_WIDTH), angle, 0, 360, 1)
    cv2.fillConvexPoly(canvas, polygon, colour)
