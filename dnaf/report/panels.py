"""What a row of images shows of a pair: pose, source, target, and the image of each method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnaf.core.images import Pixels, Size, resize
from dnaf.data.pairs.pairs import Pair
from dnaf.data.pose_maps.storage import read_pose_map, to_rgb
from dnaf.data.store import ImageStore
from dnaf.evaluate.submissions.find import COPY_SOURCE, GROUND_TRUTH, find_results
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.open import DataSet, open_results

OURS = "dnaf"


@dataclass(frozen=True)
class Panel:
    """One image of every pair.

    Attributes:
        method: whose image it is; None of what is given.
        image: of a pair, uint8 RGB (H, W, 3) in the data set's size.
    """

    label: str
    method: str | None
    image: Callable[[Pair], Pixels]


def open_panels(
    present: Sequence[str], cards: Mapping[str, Card], results: Path, data: DataSet, pose_maps: ImageStore
) -> list[Panel]:
    """Pose, source, target, and each method that has results; the copied source is the source,
    and the ground truth the target.

    Args:
        results: the folder of all methods' folders.
        pose_maps: PNGs, `<stem>.png`.

    Raises:
        DataError: a method's published images are incomplete.
        StateError: a method's images are incomplete or made for another list of pairs.
    """
    given = [
        Panel("Pose", None, lambda pair: to_rgb(read_pose_map(pose_maps, f"{pair[1]}.png"))),
        Panel(
            "Source",
            COPY_SOURCE if COPY_SOURCE in present else None,
            lambda pair: data.prepared.image(f"{pair[0]}.png"),
        ),
        Panel(
            "Target",
            GROUND_TRUTH if GROUND_TRUTH in present else None,
            lambda pair: data.prepared.image(f"{pair[1]}.png"),
        ),
    ]
    for method in present:
        if method not in (COPY_SOURCE, GROUND_TRUTH):
            found = find_results(method, results, cards[method]) or []
            images = open_results(method, found, cards[method], data).generated
            given.append(Panel(cards[method].title, method, _in_size(images, data.size)))
    return given


def _in_size(image: Callable[[Pair], Pixels], size: Size) -> Callable[[Pair], Pixels]:
    """Images of methods that generate in another size are stretched to the data set's."""
    return lambda pair: resize(np.ascontiguousarray(image(pair)), size)
