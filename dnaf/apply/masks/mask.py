"""A mask, and how it ends: at once, or softly."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dnaf.core.images import Pixels

Mask = NDArray[np.bool_]
Weights = NDArray[np.float32]


def soften(mask: Mask, width: int) -> Weights:
    """Float (H, W): 1 inside of a mask, falling evenly to 0 in `width` pixels around it.

    Around and not inside: at the edge of a garment inside would show what is to be repainted.

    Args:
        mask: bool (H, W).
        width: 0 for a mask that ends at once.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    outside = (~mask).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.clip(1 - distance / (width + 1), 0, 1), np.float32)


def blend(inside: Pixels, outside: Pixels, weights: Weights) -> Pixels:
    """One image where weights (H, W) are 1 and another where they are 0, both exactly; mixed between."""
    share = weights[..., None]
    return np.rint(share * inside + (1 - share) * outside).astype(np.uint8)
