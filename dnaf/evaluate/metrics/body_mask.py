"""A mask of the body around the skeleton, with which Market-1501's metrics leave out the background.

Source: GFLA@3afa8fe:util/pose_utils.py:119-154.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.draw import disk, polygon
from skimage.morphology import dilation, erosion

from dnaf.core.images import Size
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.skeleton import LIMBS

_RADIUS = 4  # pixels
_TRUNK = ((1, 16), (1, 17), (8, 11), (11, 5), (8, 2), (16, 17))
_SQUARE = np.ones((5, 5), bool)


def body_mask(keypoints: Points, size: Size) -> NDArray[np.bool_]:
    """Bool (height, width), true on the body.

    Args:
        keypoints: float (18, 2), x then y, in pixels of the mask; missing joints are NaN.
        size: (height, width).
    """
    mask = np.zeros(size, bool)
    points = keypoints[:, ::-1]
    is_visible = ~np.isnan(points[:, 0])
    for first, second in (*LIMBS, *_TRUNK):
        along = points[first] - points[second]
        length = np.linalg.norm(along)
        if length > 0:  # not for a missing joint (NaN), nor for a limb that is a point
            across = _RADIUS * np.array([-along[1], along[0]]) / length
            corners = [points[first] + across, points[first] - across]
            corners += [points[second] - across, points[second] + across]
            rows, columns = polygon(*np.array(corners).T, shape=size)
            mask[rows, columns] = True
    for point in points[is_visible]:
        rows, columns = disk(tuple(point), _RADIUS, shape=size)
        mask[rows, columns] = True
    return np.asarray(erosion(dilation(mask, _SQUARE), _SQUARE))
