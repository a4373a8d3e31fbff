"""Keypoints in COCO's JSON: 17 joints of people in images; v = 0, or a small score there, is missing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dnaf.core.errors import DataError
from dnaf.core.files import read_bytes
from dnaf.core.images import Size
from dnaf.data.formats.names import Name, NameOf
from dnaf.data.keypoints.detections import from_numbers, list_of_objects, named, parse_json
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points

_MAX_BYTES = 1_000_000_000


def read_coco(path: Path, sizes: Mapping[Name, Size], name_of: NameOf) -> Iterator[tuple[str, Name, Points]]:
    """Where each image's annotation stands, the image's name, and its keypoints, float (18, 2).

    Annotations without a joint, and of crowds, count only where an image has no other: it shows nobody then.

    Args:
        sizes: (height, width) of the images by name.
        name_of: the image that a file name means; DataError if there is none.

    Raises:
        DataError: not such a file, or of an image that has another size.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path}: too large (expected at most {_MAX_BYTES:,} bytes).")
        content = parse_json(read_bytes(path), str(path))
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}). See docs/data.md.") from error
    if isinstance(content, list):
        raise DataError(
            f"{path}: a list, as COCO results are, which names no image (expected an object with the lists "
            "'images' and 'annotations'). Put the results into the annotations' file."
        )
    images = {}
    for index, image in enumerate(list_of_objects(content, "images", str(path))):
        place = f"{path}: images[{index}]"
        name = named(place, name_of, str(image.get("file_name")))
        told = image.get("height"), image.get("width")
        if told != (None, None) and told != sizes[name]:
            raise DataError(
                f"{place}: {name} has another size (found {sizes[name][0]}x{sizes[name][1]} pixels, the file "
                f"says {told[0]}x{told[1]}). Annotate the images as they are."
            )
        images[_key(image.get("id"), place)] = name
    nobody: dict[Name, str] = {}
    seen = set()
    for index, annotation in enumerate(list_of_objects(content, "annotations", str(path))):
        place = f"{path}: annotations[{index}]"
        key = _key(annotation.get("image_id"), place)
        if key not in images:
            raise DataError(f"{place}: image_id {key!s:.40} is not among the images. Correct it.")
        name = images[key]
        points = from_numbers(annotation.get("keypoints"), (17,), place)
        if annotation.get("iscrowd") or np.isnan(points).all():
            nobody.setdefault(name, place)
        else:
            seen.add(name)
            yield place, name, points
    for name, place in nobody.items():
        if name not in seen:
            yield place, name, np.full((NUM_JOINTS, 2), np.nan)


def _key(value: Any, place: str) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise DataError(f"{place}: no id (found {value!r:.40}).")
    return value
