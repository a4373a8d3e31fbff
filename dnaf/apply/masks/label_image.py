"""The image that a human parser writes: of each pixel what it shows, as a number or as a colour."""

import io
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dnaf.apply.masks.label_sets import LABEL_SETS, Colour, LabelSet, LabelSetName
from dnaf.apply.masks.mask import Mask
from dnaf.core import files, images
from dnaf.core.errors import DataError
from dnaf.core.images import Pixels

Region = Literal["upper", "lower", "person"]
Numbers = NDArray[np.uint8]

_MOST_NAMED = 5
_BY_NUMBER = "Save the parser's label numbers as a grey or indexed PNG, without smoothing or resizing."


def read_labels(path: Path, name: LabelSetName) -> Numbers:
    """The label of each pixel, uint8 (H, W), of a PNG.

    A grey image has the numbers themselves, and a coloured one colours of a known palette. An indexed one is
    read by its colours if a known palette has them all (editors sort them anew), else by its numbers.

    Raises:
        DataError: not readable, a JPEG, or with a number or colour that the label set does not have.
    """
    try:
        data = files.read_bytes(path)
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}).") from error
    rgb = images.decode(data, path)
    with Image.open(io.BytesIO(data)) as image:
        if image.format != "PNG":
            raise DataError(
                f"{path}: no exact colours (found {image.format}, expected PNG). Save the labels as PNG."
            )
        mode, stored = image.mode, np.array(image)
    label_set = LABEL_SETS[name]
    if mode != "L" and rgb.any():
        by_colour = _by_colour(rgb, label_set, path)
        if by_colour is not None:
            return by_colour
    if mode not in ("L", "P"):
        if (rgb != rgb[..., :1]).any():
            raise _unknown_colours(rgb, label_set, name, path)
        stored = rgb[..., 0]
    unknown = np.setdiff1d(stored, np.arange(len(label_set.labels)))
    if len(unknown):
        raise DataError(
            f"{path}: label numbers that are not of {name} (found {_some([str(each) for each in unknown])}, "
            f"expected 0 to {len(label_set.labels) - 1}). Say --labels as at the parser's training. "
            + _BY_NUMBER
        )
    return np.asarray(stored, np.uint8)


def region_of(numbers: Numbers, name: LabelSetName, region: Region, path: Path) -> Mask:
    """Bool (H, W): where a garment is, or the whole person.

    Raises:
        DataError: there is none, or the label set does not say.
    """
    label_set = LABEL_SETS[name]
    if region == "person":
        if not label_set.is_whole:
            raise DataError(
                f"{path}: {name} has no labels of skin and hair, so it does not show the whole person. Give "
                "the labels of atr or lip, or a mask that is white where the person is."
            )
        wanted = frozenset(label_set.labels[1:])
    else:
        wanted = label_set.upper if region == "upper" else label_set.lower
    mask = _with(numbers, label_set, wanted)
    if not mask.any():
        found = [label_set.labels[number] for number in np.unique(numbers)]
        what = "person" if region == "person" else f"{region} garment"
        raise DataError(
            f"{path}: no {what} in it (found {_some(found)}). Is it of this image, its labels {name}'s? "
            "Else give a mask that is white there."
        )
    if region != "person" and label_set.on_either:
        other = label_set.lower if region == "upper" else label_set.upper
        to_this, to_other = _distance(mask), _distance(_with(numbers, label_set, other - wanted))
        mask = mask | (_with(numbers, label_set, label_set.on_either) & (to_this <= to_other))
    return mask


def _with(numbers: Numbers, label_set: LabelSet, labels: frozenset[str]) -> Mask:
    return np.isin(numbers, [number for number, label in enumerate(label_set.labels) if label in labels])


def _distance(mask: Mask) -> NDArray[np.float32]:
    """Of each pixel to the nearest one of the mask; infinite without any."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE))


def _by_colour(rgb: Pixels, label_set: LabelSet, path: Path) -> Numbers | None:
    """The numbers of the palette that has all colours; None without one."""
    codes, colours = _codes(rgb), _colours(rgb)
    fitting = []
    for palette in label_set.palettes:
        if colours <= set(palette):
            numbers = np.zeros(codes.shape, np.uint8)
            for number, colour in enumerate(palette):
                numbers[codes == _code(colour)] = number
            fitting.append(numbers)
    if len(fitting) > 1 and any((numbers != fitting[0]).any() for numbers in fitting[1:]):
        raise DataError(
            f"{path}: its few colours are of two palettes, which mean different things. {_BY_NUMBER}"
        )
    return fitting[0] if fitting else None


def _unknown_colours(rgb: Pixels, label_set: LabelSet, name: str, path: Path) -> DataError:
    known = {colour for palette in label_set.palettes for colour in palette}
    strange = sorted(_colours(rgb) - known) or sorted(_colours(rgb))
    kind = f"colours of {name}'s palettes" if known else f"label numbers, for {name} has no common palette"
    return DataError(
        f"{path}: unknown colours (found {_some([str(colour) for colour in strange])}, expected {kind}). "
        f"Say --labels as at the parser's training. {_BY_NUMBER}"
    )


def _colours(rgb: Pixels) -> set[Colour]:
    return {(code >> 16, code >> 8 & 255, code & 255) for code in np.unique(_codes(rgb)).tolist()}


def _codes(rgb: Pixels) -> NDArray[np.int32]:
    return np.asarray(rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32), np.int32)


def _code(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
