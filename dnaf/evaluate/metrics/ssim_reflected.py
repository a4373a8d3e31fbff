"""SSIM as torchmetrics has it: the border of an image counts, and beyond it the image is reflected."""

from collections.abc import Mapping

import cv2
import numpy as np

from dnaf.evaluate.metrics.metric import Column, ComparedPair, PairMetric, Values
from dnaf.evaluate.protocols.resample import Image

_SIDE, _SIGMA, _RANGE = 11, 1.5, 255.0


def ssim_reflected(real: Image, generated: Image) -> float:
    """Mean SSIM of two RGB images (H, W, 3) of levels 0 to 255, over all pixels; 1 for equal images.

    The window is a gaussian of sigma 1.5 cut to 11 pixels, the data range 255, the covariance that of the
    population. `ssim` with these averages over the windows inside of the image only.

    Source: torchmetrics 1.9.0, functional/image/ssim.py:_ssim_update, in float64 instead of float32.
    """
    x, y = real.astype(np.float64), generated.astype(np.float64)
    kernel = cv2.getGaussianKernel(_SIDE, _SIGMA, cv2.CV_64F)

    def mean(values: Values) -> Values:
        # torch's `reflect`, which does not repeat the pixel at the edge, is OpenCV's 101.
        filtered = cv2.sepFilter2D(values, cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(filtered, np.float64)

    c1, c2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2
    mean_x, mean_y = mean(x), mean(y)
    covariance = mean(x * y) - mean_x * mean_y
    variances = mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * (2 * covariance + c2) / (variances + c2)))


def _measure(pair: ComparedPair) -> Mapping[str, float]:
    if not pair.protocol.ssim_reflected:
        return {}
    return {_REFLECTED.key: ssim_reflected(pair.real, pair.generated)}


_REFLECTED = Column(
    key="ssim_reflected",
    name="SSIM",
    spec=".4f",
    better="higher",
    about="as torchmetrics has it, under `leffa` only: gaussian window, range 255, and all pixels, with the "
    "image reflected beyond its border",
    details=("torchmetrics",),
)
SSIM_REFLECTED = PairMetric((_REFLECTED,), _measure)
