"""What drawn people wear: the pattern of the top in an image, and torsos with patterns to learn from."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.core.images import Size
from dnaf.core.progress import track
from dnaf.core.workers import worker_pool
from dnaf.data.demo.figure import SIZE, VIEWS, draw_figure
from dnaf.data.demo.outfit import Outfit, sample_outfit
from dnaf.data.formats import deepfashion
from dnaf.data.formats.names import Name
from dnaf.data.keypoints.keypoints import Points
from dnaf.evaluate.attributes.torso import facing, torso

PATTERNS = ("plain", "horizontal stripes", "vertical stripes", "checked", "dots", "two blocks", "logo")
_DRAWN_AS = {  # the pattern of `dnaf.data.demo.outfit`
    "plain": "plain",
    "hstripe": "horizontal stripes",
    "vstripe": "vertical stripes",
    "plaid": "checked",
    "check": "checked",
    "dots": "dots",
    "block": "two blocks",
    "logo": "logo",
}
_FRONT, _BACK = 0.45, -0.3  # of `facing`; between them a logo on the chest may be in sight or not
_Torsos = list[tuple[NDArray[np.uint8], int, str]]


def outfit_of(stem: str, seed: int) -> Outfit:
    """The drawn outfit that an image of the demo shows.

    Args:
        stem: for example `fashionWOMENDressesid0000000101_1front`.
        seed: the one that the demo was drawn with.

    Raises:
        DataError: no image of the demo drawn with this seed.
    """
    outfit = sample_outfit(seed, _item(stem) - 1)
    if deepfashion.image_path(Name(f"{stem}.jpg")).rpartition("/")[0] != outfit.folder:
        raise DataError(
            f"data/pairs/test.csv: {stem} is no person of the demo drawn with seed {seed} (found another "
            f"outfit, expected {outfit.folder}). Attributes are known of drawn people alone: choose the demo "
            "and the seed that it was drawn with in params.yaml."
        )
    return outfit


def visible_pattern(outfit: Outfit, keypoints: Points) -> str | None:
    """The pattern that an image shows, one of `PATTERNS`: a logo, on the chest, is plain from behind.

    None where a logo may be in sight or not, because the person stands sideways, and for an open jacket: what
    is worn below looks like a stripe.
    """
    if outfit.open_jacket:
        return None
    pattern = _DRAWN_AS[outfit.top.pattern]
    if pattern != "logo" or facing(keypoints) > _FRONT:
        return pattern
    return "plain" if facing(keypoints) < _BACK else None


def draw_torsos(
    seed: int, size: Size, num_outfits: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str]]:
    """Torsos of equally many outfits of each drawn pattern, in all views, as images of a size show them.

    Args:
        size: (height, width) of the images.
        num_outfits: of each drawn pattern.

    Returns:
        uint8 (N, 40, 44, 3), the index of each one's pattern in `PATTERNS` (N), and its outfit (N).
    """
    indices = _balanced(seed, num_outfits)
    with worker_pool() as workers:
        drawn = workers.map(partial(_draw, seed, size), indices, chunksize=8)
        found = [each for outfit in track(drawn, "Drawing torsos (outfits)", len(indices)) for each in outfit]
    torsos, labels, outfits = zip(*found, strict=True)
    return np.stack(torsos), np.array(labels), list(outfits)


def _item(stem: str) -> int:
    """The number in a stem's `id00000001`; raises DataError where there is none."""
    return int(deepfashion.image_path(Name(f"{stem}.jpg")).split("/")[2].removeprefix("id_"))


def _balanced(seed: int, num_outfits: int) -> list[int]:
    """The first outfits of each drawn pattern that are no open jackets, in their order."""
    left = dict.fromkeys(_DRAWN_AS, num_outfits)
    indices: list[int] = []
    index = 0
    while any(left.values()):
        outfit = sample_outfit(seed, index)
        if left[outfit.top.pattern] and not outfit.open_jacket:
            left[outfit.top.pattern] -= 1
            indices.append(index)
        index += 1
    return indices


def _draw(seed: int, size: Size, index: int) -> _Torsos:
    outfit, found = sample_outfit(seed, index), []
    for view in VIEWS:
        image, keypoints = draw_figure(seed, index, view)
        scale = np.array([size[1] / SIZE[1], size[0] / SIZE[0]])
        shown = torso(images.resize(image, size), keypoints * scale)
        pattern = visible_pattern(outfit, keypoints)
        if shown is not None and pattern is not None:
            found.append((shown, PATTERNS.index(pattern), str(index)))
    return found
