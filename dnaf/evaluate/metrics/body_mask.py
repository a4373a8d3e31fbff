"""A mask of the body around the skeleton, with which Market-1501's metrics leave out the background.

Source: GFLA@3afa8fe:util/pose_utils.py:119-154.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.draw import disk
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
            mask |= fill_polygon(np.array(corners), size)
    for point in points[is_visible]:
        rows, columns = disk(tuple(point), _RADIUS, shape=size)
        mask[rows, columns] = True
    return np.asarray(erosion(dilation(mask, _SQUARE), _SQUARE))


def fill_polygon(corners: NDArray[np.float64], size: Size) -> NDArray[np.bool_]:
    """Bool (height, width): pixels inside a polygon and on its near edges, not on the far ones.

    A pixel is inside if an odd number of edges is right of it. scikit-image's `polygon` was this until 0.17,
    which all scripts of the field ran with; from 0.18 on it takes the far edges too.

    Args:
        corners: (N, 2), row then column.

    Source: scikit-image@v0.17.2:skimage/_shared/geometry.pyx, `point_in_polygon`.
    """
    rows, columns = np.ogrid[: size[0], : size[1]]
    inside = np.zeros(size, bool)
    for (row, column), (other_row, other_column) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        if row != other_row:
            crosses = (row <= rows) != (other_row <= rows)
            at = (other_column - column) * (rows - row) / (other_row - row) + column
            inside ^= crosses & (columns < at)
    return inside
