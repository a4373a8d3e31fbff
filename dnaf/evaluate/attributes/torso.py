"""The torso in an image of a person, found by the keypoints and brought to one size; and its colours."""

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import LEFT_HIP, NECK, RIGHT_HIP, Points

SIZE: Size = (40, 44)  # (height, width) of a torso; the width reaches beyond the shoulders

_RIGHT_SHOULDER, _LEFT_SHOULDER = 2, 5
_WAIST = 0.75  # of the way from neck to hips: below are belt and bottom, in other colours than the top
_MIDDLE = slice(14, 30)  # columns of cloth, also in a person seen from the side
_THIRDS = (slice(10, 20), slice(20, 30), slice(30, 40))  # rows from below the neckline on


def torso(image: Pixels, keypoints: Points) -> Pixels | None:
    """The torso from neck to waist, uint8 (40, 44, 3); None where neck or a hip is missing.

    Args:
        image: uint8 (H, W, 3).
        keypoints: float (18, 2), x then y, in pixels of the image; missing joints are NaN.
    """
    length = _length(keypoints)
    if not length > 0:  # nor for NaN
        return None
    neck, hips = keypoints[NECK], (keypoints[RIGHT_HIP] + keypoints[LEFT_HIP]) / 2
    scale = _WAIST * length / SIZE[0]  # pixels of the image per pixel of the torso
    left, top = neck + _WAIST / 2 * (hips - neck) - scale * np.array(SIZE[::-1]) / 2
    # Keypoints are in coordinates in which pixel i covers i to i + 1; OpenCV counts from centre to centre.
    to_image = np.array([[scale, 0, left + (scale - 1) / 2], [0, scale, top + (scale - 1) / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(image, to_image, SIZE[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


def facing(keypoints: Points) -> float:
    """How far the left shoulder is right of the right one, in distances of neck and hips.

    0.75 from the front, 0 from the side, -0.75 from behind; NaN where one of these joints is missing.
    """
    return float((keypoints[_LEFT_SHOULDER, 0] - keypoints[_RIGHT_SHOULDER, 0]) / _length(keypoints))


def colour_error(real: Pixels, generated: Pixels) -> float:
    """CIE ΔE 2000 of two torsos: of the mean colours of the upper, middle and lower third, averaged.

    A pattern is not seen by it: stripes of two colours and one colour between them have equal means.

    Args:
        real, generated: sRGB, as `torso` gives them.
    """
    first, second = (
        rgb2lab(np.stack([image[rows, _MIDDLE].mean(axis=(0, 1)) / 255 for rows in _THIRDS]))
        for image in (real, generated)
    )
    return float(deltaE_ciede2000(first, second).mean())


def texture_error(real: Pixels, generated: Pixels) -> float:
    """Difference of two torsos' contrast, in L* a pixel: mean |dL*/dx| and |dL*/dy| of each third, averaged.

    Where the stripes are is not seen by it, how many there are and how sharp they are is.

    Args: as of `colour_error`.
    """
    first, second = (
        np.array([_contrast(image[rows, _MIDDLE]) for rows in _THIRDS]) for image in (real, generated)
    )
    return float(np.abs(first - second).mean())


def _contrast(image: Pixels) -> tuple[float, float]:
    lightness = rgb2lab(image)[..., 0]
    return float(np.abs(np.diff(lightness, axis=1)).mean()), float(np.abs(np.diff(lightness, axis=0)).mean())


def _length(keypoints: Points) -> float:
    """Pixels from the neck to the middle of the hips."""
    return float(np.linalg.norm((keypoints[RIGHT_HIP] + keypoints[LEFT_HIP]) / 2 - keypoints[NECK]))
