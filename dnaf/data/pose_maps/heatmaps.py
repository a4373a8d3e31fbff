"""Gaussian heatmaps, one a joint: what GFLA, DPTN and CFLD feed their networks.

Source: GFLA@3afa8fe:util/pose_utils.py:52-70, CFLD@f2ea2a7:pose_utils.py:32-50 (identical).
"""

import numpy as np
from numpy.typing import NDArray

from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points

_SIGMA = 6  # pixels of the result, whatever its size


def heatmaps(keypoints: Points, size: Size, frame: Size) -> NDArray[np.float32]:
    """Float32 (height, width, 18) in [0, 1]; the channel of a missing joint is 0.

    Args:
        keypoints: float (18, 2), x then y, in pixels of `frame`; missing joints are NaN.
        size: (height, width) of the result.
        frame: (height, width) that the keypoints refer to.
    """
    height, width = size
    maps = np.zeros((height, width, NUM_JOINTS), np.float32)
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    for joint, (x, y) in enumerate(keypoints.tolist()):
        if x == x:  # NaN differs from itself
            # Divided first, as they do: 15 of 176 columns becomes 14 of 176. CFLD's skeleton, in cfld.py,
            # multiplies by one factor instead, and stays at 15.
            column, row = int(x / frame[1] * width), int(y / frame[0] * height)
            distance = (rows - row) ** 2 + (columns - column) ** 2
            maps[..., joint] = np.exp(-distance / (2 * _SIGMA**2))
    return maps


def draw(keypoints: Points, size: Size, frame: Size) -> Pixels:
    """The same in levels, for a pose map: uint8."""
    return np.rint(heatmaps(keypoints, size, frame) * 255).astype(np.uint8)
