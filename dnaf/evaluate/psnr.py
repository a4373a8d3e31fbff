"""What is left of one uint8 image after subtracting another: PSNR, and two mean absolute differences."""

import math

import cv2

from dnaf.images import Pixels

_RANGE = 255.0


def psnr(real: Pixels, generated: Pixels) -> float:
    """PSNR of two uint8 images (H, W, 3) in dB with data range 255; infinite for equal images."""
    squared = _norm(real, generated, cv2.NORM_L2SQR) / real.size
    return 10 * math.log10(_RANGE**2 / squared) if squared else math.inf


def l1(real: Pixels, generated: Pixels) -> float:
    """Mean absolute difference of two uint8 images (H, W, 3), between 0 and 1 (black against white)."""
    return _norm(real, generated, cv2.NORM_L1) / (real.size * _RANGE)


def mae(real: Pixels, generated: Pixels) -> float:
    """What the field's scripts call MAE: sum |a - b| / sum (a + b) of two uint8 images (H, W, 3), 0 to 1.

    Of two black images it is 0, where the scripts divide 0 by 0.

    Source: GFLA@3afa8fe:script/metrics.py, `compare_mae`.
    """
    difference = _norm(real, generated, cv2.NORM_L1)
    brightness = cv2.norm(real, cv2.NORM_L1) + cv2.norm(generated, cv2.NORM_L1)
    return difference / brightness if difference else 0.0


def _norm(real: Pixels, generated: Pixels, kind: int) -> float:
    if real.shape != generated.shape:
        raise ValueError(f"images of different shapes: {real.shape} and {generated.shape}")
    return float(cv2.norm(real, generated, kind))
