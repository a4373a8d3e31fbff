"""NTED's and PIDM's pose: a blended skeleton, and how far every pixel is from each limb.

Source: NTED@6e3f0e9:data/fashion_data.py:114-168.
"""

import cv2
import numpy as np

from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.openpose import limb_polygon
from dnaf.data.pose_maps.skeleton import COLOURS, LIMBS

_RADIUS = 4  # pixels
_MISSING = -1  # what the authors' code looks for after it has scaled
_FAR = 255  # thirds of a pixel's distance; also for a limb that is missing


def get_label_tensor(keypoints: Points, size: Size, frame: Size) -> Pixels:
    """Uint8 (height, width, 20): the skeleton as BGR, as that code leaves it, then 17 distances.

    A joint one pixel left of a frame that is drawn in its own size is missing too: that code marks missing
    joints by -1, and looks for the mark after it has shifted and scaled the others.

    Args:
        keypoints: float (18, 2), x then y, in pixels of `frame`; missing joints are NaN.
        size: (height, width) of the result.
        frame: (height, width) that the keypoints refer to.
    """
    height, width = size
    scale = np.array([width / frame[1], height / frame[0]])
    joints = [
        None if x != x or _MISSING in (x, y) else (x, y)  # NaN differs from itself
        for x, y in (keypoints * scale).tolist()
    ]
    canvas = np.zeros((height, width, 3), np.uint8)
    for joint, colour in zip(joints, COLOURS, strict=True):
        if joint is not None:
            cv2.circle(canvas, (int(joint[0]), int(joint[1])), _RADIUS, colour, -1)
    planes = []
    for (first, second), colour in zip(LIMBS, COLOURS, strict=False):
        start, end = joints[first], joints[second]
        if start is None or end is None:
            planes.append(np.full(size, _FAR, np.uint8))
            continue
        polygon = limb_polygon(start, end)
        drawn = canvas.copy()
        cv2.fillConvexPoly(drawn, polygon, colour)
        canvas = cv2.addWeighted(canvas, 0.4, drawn, 0.6, 0)
        limb = np.zeros(size, np.uint8)
        cv2.fillConvexPoly(limb, polygon, 255)
        distance = cv2.distanceTransform(255 - limb, cv2.DIST_L1, 3)
        planes.append(np.clip(distance / 3, 0, _FAR).astype(np.uint8))
    return np.concatenate([canvas[..., ::-1], np.stack(planes, axis=2)], axis=2)


draw = get_label_tensor
