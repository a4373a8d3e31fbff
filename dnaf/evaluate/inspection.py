"""Images that no working model makes, and that make a score better or worse without a word.

Such an image is nearly of one colour, or nearly equals its ground truth, its source, or another pair's image.
Nearly: by a PSNR over 45 dB. One grey level everywhere is 48.1 dB, a random last bit 51.1 dB; models that
work are far below. What is asked twice may be answered twice: data sets have the same photograph under two
names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dnaf.core.errors import DataError
from dnaf.core.images import Pixels, Size, resize
from dnaf.data.formats.names import Stem
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.store import ImageStore
from dnaf.evaluate.metrics.psnr import psnr
from dnaf.evaluate.submissions.open import Results

NEAR = 45.0  # decibels
_MAX_SQUARED = 255.0**2 / 10 ** (NEAR / 10)  # the mean squared difference that NEAR stands for
_BLOCKS = 8  # along each side of a signature
_NUM_NEIGHBOURS = 8

Fault = Literal["constant", "truth", "source"]
_SENTENCES = {
    "constant": "has one colour",
    "truth": "equals its ground truth",
    "source": "equals its source",
    "repeated": "equals another pair's",
}


@dataclass(frozen=True)
class Inspection:
    """One generated image, looked at.

    Attributes:
        signature: mean colours of 8x8 blocks, float32 (192,). Those of two images differ by no more, in the
            mean square, than their pixels do, so that only images with near signatures can be near.
        fault: what is wrong with it alone.
        is_asked: whether it equals source and truth, which are the same photograph.
    """

    signature: NDArray[np.float32]
    fault: Fault | None
    is_asked: bool


class Inspector:
    """Looks at a model's images in the data set's size; called by several threads at once.

    Args:
        prepared: the data set's images, `<stem>.png`.
        size: (height, width) of these.
    """

    def __init__(self, results: Results, prepared: ImageStore, size: Size) -> None:
        self._results, self._prepared, self._size = results, prepared, size
        self._signature_of = lru_cache(maxsize=None)(lambda stem: _signature(self._real(stem)))

    def inspect(self, pair: Pair, image: Pixels, is_truth: bool = False) -> Inspection:
        """Looks at the generated image of a pair.

        Args:
            image: uint8 (H, W, 3), as it was supplied.
            is_truth: whether it is near its ground truth as somebody else resizes that.
        """
        shown = self._in_size(image)
        signature = _signature(shown)
        fault: Fault | None = None
        if np.square(cv2.meanStdDev(shown)[1]).mean() < _MAX_SQUARED:
            fault = "constant"
        elif is_truth or self._shows(shown, signature, pair[1]):
            fault = "truth"
        elif self._shows(shown, signature, pair[0]):
            fault = "source"
        is_asked = fault in ("truth", "source") and self._are_one(*pair)
        return Inspection(signature, None if is_asked else fault, is_asked)

    def judge(self, pairs: Sequence[Pair], inspections: Sequence[Inspection]) -> dict[str, int]:
        """Refuses a set with such images.

        Returns:
            How many images equal what they may equal: `num_equal_to_truth` where source and target are the
            same photograph, `num_equal_to_others` where two pairs are of the same photographs.

        Raises:
            DataError: names the first one, and says how many there are.
        """
        found: dict[str, list[Pair]] = {name: [] for name in _SENTENCES}
        for pair, inspection in zip(pairs, inspections, strict=True):
            if inspection.fault:
                found[inspection.fault].append(pair)
        found["repeated"], twins = self._equal_to_others(
            pairs, np.stack([inspection.signature for inspection in inspections])
        )
        for name, such in found.items():
            if such:
                raise DataError(
                    f"{self._results.where}: {pair_id(*such[0])}: the generated image {_SENTENCES[name]} "
                    f"({len(such):,} of {len(pairs):,} such, by a PSNR over {NEAR:g} dB). Find out why "
                    "before it is scored; nothing was written."
                )
        asked = sum(inspection.is_asked for inspection in inspections)
        return {"num_equal_to_truth": asked, "num_equal_to_others": len(twins)}

    def _equal_to_others(
        self, pairs: Sequence[Pair], signatures: NDArray[np.float32]
    ) -> tuple[list[Pair], list[Pair]]:
        """Pairs whose image equals an earlier pair's, and of these apart those of the same photographs."""
        radius = float(np.sqrt(signatures.shape[1] * _MAX_SQUARED))
        _, neighbours = cKDTree(signatures).query(
            signatures, k=[*range(1, _NUM_NEIGHBOURS + 1)], distance_upper_bound=radius
        )
        repeated, twins = [], []
        for index, near in enumerate(neighbours.tolist()):
            same = [pairs[other] for other in sorted(near) if other < index]
            same = [other for other in same if self._are_equal(pairs[index], other)]
            if any(not self._ask_the_same(pairs[index], other) for other in same):
                repeated.append(pairs[index])
            elif same:
                twins.append(pairs[index])
        return repeated, twins

    def _are_equal(self, first: Pair, second: Pair) -> bool:
        images = [self._in_size(self._results.generated(pair)) for pair in (first, second)]
        return is_near(*images)

    def _ask_the_same(self, first: Pair, second: Pair) -> bool:
        return all(self._are_one(*stems) for stems in zip(first, second, strict=True))

    def _are_one(self, first: Stem, second: Stem) -> bool:
        """Whether two images of the data set are the same photograph."""
        return first == second or is_near(self._real(first), self._real(second))

    def _shows(self, image: Pixels, signature: NDArray[np.float32], stem: Stem) -> bool:
        difference = signature - self._signature_of(stem)
        return float(np.square(difference).mean()) < _MAX_SQUARED and is_near(image, self._real(stem))

    def _real(self, stem: Stem) -> Pixels:
        return self._prepared.image(f"{stem}.png")

    def _in_size(self, image: Pixels) -> Pixels:
        return image if image.shape[:2] == self._size else resize(np.ascontiguousarray(image), self._size)


def is_near(first: Pixels, second: Pixels) -> bool:
    """Whether two images of one size are nearly equal."""
    return psnr(first, second) > NEAR


def _signature(image: Pixels) -> NDArray[np.float32]:
    blocks = cv2.resize(image.astype(np.float32), (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    # A copy: what OpenCV allocates between large images, and is kept, keeps their memory (60 kB an image).
    return np.asarray(blocks, np.float32).flatten()
