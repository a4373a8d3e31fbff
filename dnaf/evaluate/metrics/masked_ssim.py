"""SSIM of the body alone, for Market-1501, whose background no pose tells."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dnaf.evaluate.metrics.metric import Column, ComparedPair, PairMetric
from dnaf.evaluate.metrics.ssim import ssim
from dnaf.evaluate.protocols.resample import Image

_SIGMA = 1.5


def masked_ssim(real: Image, generated: Image, mask: NDArray[np.bool_]) -> float:
    """Gaussian SSIM of two RGB images (H, W, 3) that are black outside the mask (H, W).

    The black around counts, and is equal in both. The data range is that of the masked generated image.

    Args:
        mask: `body_mask` of the target's keypoints.

    Source: PATN@281ee2d:tool/getMetrics_market.py, `create_masked_image` and `ssim_score`.
    """
    body = generated * mask[..., None]
    return ssim(real * mask[..., None], body, "gaussian", _SIGMA, float(np.ptp(body)))


def _measure(pair: ComparedPair) -> Mapping[str, float]:
    return {} if pair.mask is None else {_MASKED.key: masked_ssim(pair.real, pair.generated, pair.mask)}


_MASKED = Column(
    key="ssim_masked",
    name="SSIM",
    spec=".4f",
    better="higher",
    about="gaussian SSIM without the background, by a mask around the target's skeleton; Market-1501 only",
    details=("masked",),
    is_main=True,
)
MASKED_SSIM = PairMetric((_MASKED,), _measure)
