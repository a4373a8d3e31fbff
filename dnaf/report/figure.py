"""The qualitative figure: pose, source, target and each method, a row a pair."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dnaf.data.pairs import Pair
from dnaf.data.pose_store import picture, read_pose_map
from dnaf.data.store import ImageStore
from dnaf.evaluate.card import Card
from dnaf.evaluate.inputs import COPY_SOURCE, MEAN_IMAGE, TestPairs, find_results
from dnaf.evaluate.results import DataSet, open_results
from dnaf.images import Pixels, Size, resize

Column = tuple[str, Callable[[Pair], Pixels]]  # label, image of a pair

_MIN_HEIGHT = 192  # pixels; smaller images are enlarged by a whole factor
_GAP = 6
_FONT_SIZE = 18
_LABEL_HEIGHT = 34


def open_columns(
    present: Sequence[str], cards: Mapping[str, Card], results: Path, data: DataSet
) -> list[Column]:
    """Columns of the methods that have results, but not of those that show nothing new: the copied source
    equals the source, and the mean image is the same in each row.

    Args:
        results: the folder of all methods' folders.

    Raises:
        DataError: a method's published images are incomplete.
        StateError: a method's images are incomplete or made for another list of pairs.
    """
    columns = []
    for method in present:
        if method not in (COPY_SOURCE, MEAN_IMAGE):
            found = find_results(method, results, cards[method]) or []
            images = open_results(method, found, cards[method], data).generated
            columns.append((cards[method].title, _in_size(images, data.size)))
    return columns


def qualitative(
    test: TestPairs,
    prepared: ImageStore,
    pose: ImageStore,
    methods: Sequence[Column],
    num_rows: int,
) -> Pixels:
    """Draws the figure, uint8 RGB (H, W, 3), for `num_rows` pairs spread over different outfits.

    Args:
        prepared, pose: images and pose maps, `<stem>.png`, of one size.
    """
    columns: list[Column] = [
        ("Pose", lambda pair: picture(read_pose_map(pose, f"{pair[1]}.png"))),
        ("Source", lambda pair: prepared.image(f"{pair[0]}.png")),
        ("Target", lambda pair: prepared.image(f"{pair[1]}.png")),
        *methods,
    ]
    rows = [[_enlarge(image(pair)) for _, image in columns] for pair in spread(test, num_rows)]
    return _draw([label for label, _ in columns], rows)


def spread(test: TestPairs, num_rows: int) -> list[Pair]:
    """Pairs evenly spread over the list; an outfit comes twice only if there are fewer outfits than rows."""
    seen: Counter[str] = Counter()
    ranked = []
    for index, outfit in enumerate(test.outfits):
        ranked.append((seen[outfit], index))
        seen[outfit] += 1
    candidates = sorted(ranked)[: max(len(seen), num_rows)]
    chosen = np.linspace(0, len(candidates) - 1, min(num_rows, len(candidates))).round().astype(int)
    return [test.pairs[candidates[position][1]] for position in chosen]


def _in_size(image: Callable[[Pair], Pixels], size: Size) -> Callable[[Pair], Pixels]:
    """Images of methods that generate in another size are stretched to the data set's."""
    return lambda pair: resize(np.ascontiguousarray(image(pair)), size)


def _enlarge(image: Pixels) -> Pixels:
    factor = max(1, _MIN_HEIGHT // image.shape[0])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _draw(labels: Sequence[str], rows: Sequence[Sequence[Pixels]]) -> Pixels:
    height, width = rows[0][0].shape[:2]
    canvas = Image.new(
        "RGB",
        (_GAP + len(labels) * (width + _GAP), _LABEL_HEIGHT + len(rows) * (height + _GAP)),
        "white",
    )
    draw = ImageDraw.Draw(canvas)
    for column, label in enumerate(labels):
        left = _GAP + column * (width + _GAP)
        draw.text(
            (left + width / 2, _LABEL_HEIGHT / 2), label, "black", _fitting_font(draw, label, width), "mm"
        )
        for row, images in enumerate(rows):
            canvas.paste(Image.fromarray(images[column]), (left, _LABEL_HEIGHT + row * (height + _GAP)))
    return np.array(canvas)


def _fitting_font(
    draw: ImageDraw.ImageDraw, label: str, width: int
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font, smaller for a label that is wider than its column."""
    font = ImageFont.load_default(_FONT_SIZE)
    wanted = draw.textlength(label, font)
    return font if wanted <= width else ImageFont.load_default(_FONT_SIZE * width / wanted)
