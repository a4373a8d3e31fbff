"""Where garments and persons are, judged by the keypoints alone: for those who have no masks of their own."""

from typing import Literal

import cv2
import numpy as np

from dnaf.apply.masks.mask import Mask
from dnaf.apply.trunk import trunk_of
from dnaf.core.images import Size
from dnaf.data.keypoints.keypoints import LEFT_HIP, NECK, RIGHT_HIP, Points

Garment = Literal["upper", "lower"]

_RIGHT_SHOULDER, _LEFT_SHOULDER = 2, 5
_TRUNK = (_RIGHT_SHOULDER, _LEFT_SHOULDER, LEFT_HIP, RIGHT_HIP)
_ARMS = ((2, 3), (3, 4), (5, 6), (6, 7))
_LEGS = ((8, 9), (9, 10), (11, 12), (12, 13), (8, 11))
_HALF_WIDTH = {"upper": 0.16, "lower": 0.2}  # of a limb with its cloth, in lengths from neck to hips
_HEAD = (0, 14, 15, 16, 17)
_HEAD_RADIUS, _HAND_RADIUS, _FOOT_RADIUS = 0.5, 0.25, 0.35  # in lengths from neck to hips; hair and shoes too
_HANDS, _FEET = (4, 7), (10, 13)


def garment_mask(keypoints: Points, size: Size, garment: Garment) -> Mask:
    """Bool (height, width), true where the garment is, generously: sleeves and legs are taken as long.

    Args:
        keypoints: float (18, 2), x then y, in pixels of the mask; missing joints are NaN.
        size: (height, width).

    Raises:
        DataError: neck or hips are missing, without which nothing can be said.
    """
    radius = max(1, round(_HALF_WIDTH[garment] * _trunk_length(keypoints)))
    mask = np.zeros(size, np.uint8)
    for first, second in _ARMS if garment == "upper" else _LEGS:
        ends = keypoints[[first, second]]
        if not np.isnan(ends).any():
            start, end = (tuple(round(value) for value in end) for end in ends)
            cv2.line(mask, start, end, 1, 2 * radius)
    if garment == "upper":
        trunk = keypoints[[joint for joint in _TRUNK if not np.isnan(keypoints[joint, 0])]]
        outline = np.rint(trunk).astype(np.int32)
        cv2.fillPoly(mask, [outline], 1)
        cv2.polylines(mask, [outline], True, 1, radius)
    return mask.astype(bool)


def body_mask(keypoints: Points, size: Size) -> Mask:
    """Bool (height, width), true where a person is in any clothes, hair and shoes; as `garment_mask`."""
    length = _trunk_length(keypoints)
    mask = garment_mask(keypoints, size, "upper") | garment_mask(keypoints, size, "lower")
    discs = np.zeros(size, np.uint8)
    head = keypoints[[joint for joint in _HEAD if not np.isnan(keypoints[joint, 0])]]
    ends = [(keypoints[joint], _HAND_RADIUS) for joint in _HANDS]
    ends += [(keypoints[joint], _FOOT_RADIUS) for joint in _FEET]
    # From behind no joint of the head is seen: it is above the neck, as long as half the trunk.
    hips = keypoints[[RIGHT_HIP, LEFT_HIP]].mean(axis=0)
    ends.append((head.mean(axis=0) if len(head) else 1.5 * keypoints[NECK] - 0.5 * hips, _HEAD_RADIUS))
    for centre, radius in ends:
        if not np.isnan(centre).any():
            cv2.circle(discs, tuple(round(value) for value in centre.tolist()), round(radius * length), 1, -1)
    return np.asarray(mask | discs.astype(bool))


def above_hips(keypoints: Points, size: Size) -> Mask:
    """Bool (height, width), true above the middle of the hips; otherwise as `garment_mask`."""
    _trunk_length(keypoints)
    rows = np.arange(size[0])[:, None] < keypoints[[RIGHT_HIP, LEFT_HIP], 1].mean()
    return np.broadcast_to(rows, size).copy()


def _trunk_length(keypoints: Points) -> float:
    return trunk_of(keypoints, "to find a garment", "Give a mask as an image.").length
