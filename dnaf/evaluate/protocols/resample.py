"""The resize filters of the field's metric scripts: the same image, other pixels, other numbers.

Without antialiasing (OpenCV's filters) pixels of a shrunk photograph move by up to 138 of 255 levels against
Pillow's bicubic filter, and FID with them. An image that has the size already is left as it is, as all of
the scripts leave it.
"""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from dnaf.core import images
from dnaf.core.images import Pixels, Size

Image = Pixels | NDArray[np.float32]
"""Uint8 (H, W, 3); or float32 with levels 0 to 255 where a script resizes floats and does not round."""

Filter = Literal["pil-bicubic", "pil-lanczos", "cv2-linear", "cv2-linear-uint8", "cv2-cubic", "torch-bicubic"]


def resample(image: Image, size: Size, how: Filter) -> Image:
    """The image in another size (height, width)."""
    return image if image.shape[:2] == size else _FILTERS[how](image, size)


def _pil_bicubic(image: Image, size: Size) -> Image:
    """Pillow's antialiasing bicubic filter, which rounds to uint8. Source: GFLA issue 70, PIDM issue 4."""
    return images.resize(np.asarray(image, np.uint8), size, "bicubic")


def _pil_lanczos(image: Image, size: Size) -> Image:
    """Pillow's Lanczos filter, antialiasing too. Source: VtonEval@a4fdbef."""
    resized = PilImage.fromarray(np.asarray(image, np.uint8)).resize(size[::-1], PilImage.Resampling.LANCZOS)
    return np.array(resized)


def _cv2_linear(image: Image, size: Size) -> Image:
    """OpenCV's default, on floats. Source: PIDM@e4f1d88:utils/metrics.py:110."""
    return _cv2(image, size, cv2.INTER_LINEAR)


def _cv2_linear_uint8(image: Image, size: Size) -> Image:
    """The same on whole levels, which rounds. Source: DPTN@59a7590:models/base_model.py:184."""
    resized = cv2.resize(np.asarray(image, np.uint8), size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def _cv2_cubic(image: Image, size: Size) -> Image:
    """Overshoots beyond 0 and 255. Source: PCDMs@b3a46fb:metrics.py:111,332-333."""
    return _cv2(image, size, cv2.INTER_CUBIC)


def _cv2(image: Image, size: Size, interpolation: int) -> NDArray[np.float32]:
    resized = cv2.resize(image.astype(np.float32), size[::-1], interpolation=interpolation)
    return np.asarray(resized, np.float32)


def _torch_bicubic(image: Image, size: Size) -> Image:
    """Antialiased on floats in [0, 1], then cut to whole levels.

    Source: CFLD@f2ea2a7:pose_transfer_test.py:119-122.
    """
    import torch
    from torch.nn import functional

    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    resized = functional.interpolate(batch, size, mode="bicubic", antialias=True)
    pixels: Pixels = (resized * 255).clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0).numpy()
    return pixels


_FILTERS: dict[Filter, Callable[[Image, Size], Image]] = {
    "pil-bicubic": _pil_bicubic,
    "pil-lanczos": _pil_lanczos,
    "cv2-linear": _cv2_linear,
    "cv2-linear-uint8": _cv2_linear_uint8,
    "cv2-cubic": _cv2_cubic,
    "torch-bicubic": _torch_bicubic,
}
