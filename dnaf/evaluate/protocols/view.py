"""Images as a protocol compares them."""

from collections.abc import Sequence

import cv2

from dnaf.core.images import Size
from dnaf.evaluate.protocols.protocol import Resize, View
from dnaf.evaluate.protocols.resample import Image, resample

_WHITE = 255


def view_real(original: Image, view: View, size: Size) -> Image:
    """The ground truth, from the original image.

    Args:
        size: (height, width) of the data set in params.yaml.
    """
    return _pad(_apply(original, view.real, size), view.padded_to)


def view_generated(image: Image, view: View, size: Size) -> Image:
    """A method's image, from what the method wrote, of any size.

    Args:
        size: (height, width) of the data set in params.yaml.
    """
    return _pad(_apply(image, view.generated, size), view.padded_to)


def compared_size(view: View, size: Size) -> Size:
    """(height, width) in which a view shows images, the padding included."""
    height, width = view.real[-1][1] or size
    return height, view.padded_to or width


def _apply(image: Image, steps: Sequence[Resize], size: Size) -> Image:
    for how, step_size in steps:
        image = resample(image, step_size or size, how)
    return image


def _pad(image: Image, width: int | None) -> Image:
    """White at both sides. Source: PATN@281ee2d:tool/getMetrics_fashion.py:58-64."""
    if width is None:
        return image
    missing = width - image.shape[1]
    left = missing // 2
    padded: Image = cv2.copyMakeBorder(
        image, 0, 0, left, missing - left, cv2.BORDER_CONSTANT, value=(_WHITE, _WHITE, _WHITE)
    )
    return padded
