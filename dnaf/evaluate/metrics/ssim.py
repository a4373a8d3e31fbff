"""Structural similarity, equal to scikit-image's in float64 to 1e-9, three times as fast and more."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from dnaf.evaluate.metrics.metric import Column, ComparedPair, PairMetric
from dnaf.evaluate.protocols.resample import Image

Window = Literal["uniform51", "gaussian"]
Means = NDArray[np.float64]

UNIFORM_SIDE = 51

_RANGE = 255.0
_TRUNCATE = 3.5  # where scikit-image cuts the gaussian: 11 pixels for sigma 1.5, as Wang et al. 2004


def window_side(window: Window, sigma: float = 1.5) -> int:
    """Width and height of a window in pixels; smaller images have no SSIM."""
    return UNIFORM_SIDE if window == "uniform51" else 2 * int(_TRUNCATE * sigma + 0.5) + 1


def ssim(
    real: Image, generated: Image, window: Window, sigma: float = 1.5, data_range: float = _RANGE
) -> float:
    """Mean SSIM of two RGB images (H, W, 3), uint8 or floats of levels 0 to 255; 1 for equal images.

    `uniform51` is skimage's `structural_similarity(win_size=51)`, with sample covariance; `gaussian` is its
    `gaussian_weights=True, sigma=sigma, use_sample_covariance=False`. Both average over the pixels whose
    window lies inside the image, so an image must be at least one window high and wide.

    Args:
        data_range: what the constants of SSIM are fractions of. For 0, the range of an image of one colour,
            skimage divides 0 by 0; here equal images have SSIM 1 and others 0.

    Source: GFLA@3afa8fe:script/metrics.py:334-344 (the two windows this field reports).
    """
    _require(real, generated, window_side(window, sigma))
    if data_range == 0:
        return float(np.array_equal(real, generated))
    planes = _planes(real, generated)
    if window == "uniform51":
        return float(np.mean([plane.uniform(data_range) for plane in planes]))
    return float(np.mean([plane.gaussian(sigma, data_range) for plane in planes]))


def both_ssims(
    real: Image, generated: Image, sigma: float, gaussian_range: float
) -> tuple[float | None, float]:
    """`ssim` with the uniform window (range 255; None for images too small) and with the gaussian one.

    Args:
        gaussian_range: data range of the gaussian SSIM alone, as the field's scripts have it.
    """
    if min(real.shape[:2]) < UNIFORM_SIDE:
        return None, ssim(real, generated, "gaussian", sigma, gaussian_range)
    if gaussian_range == 0:
        return ssim(real, generated, "uniform51"), ssim(real, generated, "gaussian", sigma, gaussian_range)
    _require(real, generated, window_side("gaussian", sigma))
    both = [
        (plane.uniform(_RANGE), plane.gaussian(sigma, gaussian_range)) for plane in _planes(real, generated)
    ]
    uniform, gaussian = np.mean(both, axis=0)
    return float(uniform), float(gaussian)


def _require(real: Image, generated: Image, side: int) -> None:
    if real.shape != generated.shape or min(real.shape[:2]) < side:
        raise ValueError(f"images {real.shape} and {generated.shape} with a window of {side}")


class _Plane:
    """One colour of both images, and memory for all that is computed of it.

    The memory is kept from call to call, because getting it anew takes longer than the arithmetic. A plane at
    a time, because that stays in the processor's cache. float64, because covariances are small differences of
    large numbers: float32 is up to 6e-6 off where black meets white.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._difference = np.empty(shape, np.uint8)
        self._product = np.empty(shape, np.uint16)
        self._square = np.empty(shape, np.uint16)
        self._sums = np.empty(shape, np.int32)
        self._means = [np.empty(shape) for _ in range(4)]
        self._spare = np.empty(shape)
        self._quantities: tuple[NDArray[Any], ...] = ()

    def load(self, x: Image, y: Image) -> None:
        """Takes x and y (H, W), and computes x y and (x - y)^2, which fit 16 bits where these are uint8."""
        if x.dtype != np.uint8 or y.dtype != np.uint8:
            real, generated = x.astype(np.float64), y.astype(np.float64)
            self._quantities = (real, generated, real * generated, (real - generated) ** 2)
            return
        difference = cv2.absdiff(x, y, dst=self._difference)
        np.multiply(x, y, out=self._product, dtype=np.uint16)
        np.multiply(difference, difference, out=self._square, dtype=np.uint16)
        self._quantities = (x, y, self._product, self._square)

    def uniform(self, data_range: float) -> float:
        """SSIM of the windows of 51; of uint8 exact but for the last steps: the sums are integers."""
        border, count = UNIFORM_SIDE // 2, float(UNIFORM_SIDE**2)
        height, width = (side - 2 * border for side in self.shape)
        *inside, spare = (memory.ravel()[: height * width] for memory in (*self._means, self._spare))
        inside = [memory.reshape(height, width) for memory in inside]
        # Sums instead of means; the scales make up for it, and for the sample covariance.
        for quantity, factor, target in zip(self._quantities, (1.0, 1.0, count, count), inside, strict=True):
            side = (UNIFORM_SIDE, UNIFORM_SIDE)
            kind, memory = (cv2.CV_64F, None) if quantity.dtype == np.float64 else (cv2.CV_32S, self._sums)
            sums = cv2.boxFilter(quantity, kind, side, dst=memory, normalize=False)
            np.multiply(sums[border : border + height, border : border + width], factor, out=target)
        scales = (count**2, count * (count - 1))
        return float(cv2.mean(_similarity(inside, spare.reshape(height, width), data_range, scales))[0])

    def gaussian(self, sigma: float, data_range: float) -> float:
        """SSIM of the gaussian windows, which skimage cuts at 3.5 sigma."""
        border = window_side("gaussian", sigma) // 2
        kernel = np.exp(-0.5 * (np.arange(-border, border + 1) / sigma) ** 2)
        kernel /= kernel.sum()
        # Whole rows, because numpy takes three times as long for a part of each; the columns go at the end.
        rows = slice(border, self.shape[0] - border)
        inside = [
            cv2.sepFilter2D(quantity, cv2.CV_64F, kernel, kernel, dst=target)[rows]
            for quantity, target in zip(self._quantities, self._means, strict=True)
        ]
        similarity = _similarity(inside, self._spare[rows], data_range, (1.0, 1.0))
        return float(cv2.mean(similarity[:, border : self.shape[1] - border])[0])


def _similarity(
    means: Sequence[Means], spare: Means, data_range: float, scales: tuple[float, float]
) -> Means:
    """SSIM of each window from its means of x, y, x y and (x - y)^2, all overwritten, as is `spare`.

    SSIM = (2 mx my + c1) (2 cov(x, y) + c2) / ((mx^2 + my^2 + c1) (var(x) + var(y) + c2)), with the means mx
    and my. var(x) + var(y) is computed as var(x - y) + 2 cov(x, y), and the squares of the means likewise.

    Args:
        scales: what the given means, and the covariances from them, are multiples of.
    """
    c1, c2 = ((fraction * data_range) ** 2 for fraction in (0.01, 0.03))
    x, y, product, square = means
    means_product = np.multiply(x, y, out=spare)
    x -= y
    x *= x  # (mx - my)^2
    # 2 cov(x, y) + c2
    structure = cv2.addWeighted(product, 2, means_product, -2, c2 * scales[1], dst=product)
    square -= x  # var(x - y)
    square += structure  # var(x) + var(y) + c2
    # mx^2 + my^2 + c1
    squares_of_means = cv2.addWeighted(means_product, 2, x, 1, c1 * scales[0], dst=y)
    luminance = np.subtract(squares_of_means, x, out=spare)  # 2 mx my + c1
    luminance *= structure
    square *= squares_of_means
    luminance /= square
    return luminance


_memory = threading.local()


def _planes(real: Image, generated: Image) -> Iterator[_Plane]:
    """The colours one after another, each in the same memory, which is the calling thread's."""
    plane: _Plane | None = getattr(_memory, "plane", None)
    if plane is None or plane.shape != real.shape[:2]:
        plane = _memory.plane = _Plane(real.shape[:2])
    for x, y in zip(cv2.split(real), cv2.split(generated), strict=True):
        plane.load(x, y)
        yield plane


def _measure(pair: ComparedPair) -> Mapping[str, float]:
    """Both SSIMs as the protocol has them; the uniform one only of 51 pixels and more."""
    protocol, generated = pair.protocol, pair.generated
    data_range = _RANGE
    if protocol.ssim_range != "255":
        data_range = float(generated.max()) - float(generated.min())
    if not protocol.ssim_uniform:
        gaussian = ssim(pair.real, generated, "gaussian", protocol.ssim_sigma, data_range)
        return {_GAUSSIAN.key: gaussian}
    uniform, gaussian = both_ssims(pair.real, generated, protocol.ssim_sigma, data_range)
    return {_GAUSSIAN.key: gaussian} if uniform is None else {_UNIFORM.key: uniform, _GAUSSIAN.key: gaussian}


_UNIFORM = Column(
    key="ssim",
    name="SSIM",
    spec=".4f",
    better="higher",
    about="uniform window of 51 pixels, sample covariance, range 255; only of images of 51 pixels and more",
    details=("window 51",),
    is_main=True,
    is_published=True,
)
_GAUSSIAN = Column(
    key="ssim_gaussian",
    name="SSIM",
    spec=".4f",
    better="higher",
    about="gaussian window; scripts of this field divide by the range of each *generated* image, "
    "`pytorch_fid` by 255",
    details=("gaussian",),
    is_main=True,
    is_published=True,
)
UNSTATED = Column(
    key="ssim_unstated",
    name="SSIM",
    spec=".4f",
    better="higher",
    about="an SSIM in a paper that does not say with which window; never computed",
    is_published=True,
)
SSIM = PairMetric((_UNIFORM, _GAUSSIAN), _measure)
