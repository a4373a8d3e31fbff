"""Peak signal-to-noise ratio and mean absolute difference of uint8 images."""

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


def _norm(real: Pixels, generated: Pixels, kind: int) -> float:
    if real.shape != generated.shape:
        raise ValueError(f"images of different shapes: {real.shape} and {generated.shape}")
    return float(cv2.norm(real, generated, kind))
