"""What is left of one image after subtracting another: PSNR, and two mean absolute differences.

Images are (H, W, 3), uint8 or floats of levels from 0 to 255.
"""

import math
from collections.abc import Mapping

import cv2
import numpy as np

from dnaf.evaluate.metrics.metric import Column, ComparedPair, PairMetric
from dnaf.evaluate.protocols.resample import Image

PSNR_MAX = 100.0  # decibels; what equal images, whose PSNR is infinite, add to a mean

_RANGE = 255.0


def psnr(real: Image, generated: Image) -> float:
    """PSNR = 10 log10(255^2 / mean (a - b)^2) in dB; infinite for equal images."""
    squared = _norm(real, generated, cv2.NORM_L2SQR) / real.size
    return 10 * math.log10(_RANGE**2 / squared) if squared else math.inf


def l1(real: Image, generated: Image) -> float:
    """Mean absolute difference, between 0 and 1 (black against white)."""
    return _norm(real, generated, cv2.NORM_L1) / (real.size * _RANGE)


def mae(real: Image, generated: Image) -> float:
    """What the field's scripts call MAE: sum |a - b| / sum (a + b), 0 to 1.

    Of two black images it is 0, where the scripts divide 0 by 0.

    Source: GFLA@3afa8fe:script/metrics.py, `compare_mae`.
    """
    difference = _norm(real, generated, cv2.NORM_L1)
    brightness = sum(cv2.sumElems(real)) + sum(cv2.sumElems(generated))
    return difference / brightness if difference else 0.0


def _norm(real: Image, generated: Image, kind: int) -> float:
    if real.shape != generated.shape:
        raise ValueError(f"images of different shapes: {real.shape} and {generated.shape}")
    if real.dtype != generated.dtype:
        real, generated = real.astype(np.float32), generated.astype(np.float32)
    return float(cv2.norm(real, generated, kind))


def _measure(pair: ComparedPair) -> Mapping[str, float]:
    return {
        _PSNR.key: min(psnr(pair.real, pair.generated), PSNR_MAX),
        L1.key: l1(pair.real, pair.generated),
        _MAE.key: mae(pair.real, pair.generated),
    }


_PSNR = Column(
    key="psnr",
    name="PSNR",
    spec=".2f",
    better="higher",
    about="peak signal-to-noise ratio, of a range of 255; equal images count 100",
    unit="dB",
    is_published=True,
)
L1 = Column(
    key="l1",
    name="L1",
    spec=".4f",
    better="lower",
    about="mean absolute difference, from 0 to 1",
    is_main=True,
)
_MAE = Column(
    key="mae",
    name="MAE",
    spec=".4f",
    better="lower",
    about="what the scripts call so: sum of absolute differences by the sum of both images",
)
DIFFERENCES = PairMetric((_PSNR, L1, _MAE), _measure)
