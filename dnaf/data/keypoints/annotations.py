"""Annotation tables of the field: `fasion-resize-annotation-*.csv`, `market-annotation-*.csv` and their kin.

Source: PATN@281ee2d:tool/compute_coordinates.py:195,227 (the writer), tool/resize_fashion.py:25-41 (frames).
"""

import json
from array import array
from pathlib import Path
from typing import NoReturn

import numpy as np

from dnaf.core.errors import DataError
from dnaf.core.images import Size
from dnaf.data.formats.lists import read_lines
from dnaf.data.formats.names import Name, NameOf
from dnaf.data.keypoints.keypoints import (
    NECK,
    NUM_JOINTS,
    Annotations,
    Points,
    check_people,
    coordinate,
    from_file_values,
)

HEADER = "name:keypoints_y:keypoints_x"


def read_annotations(path: Path, name_of: NameOf, frame: Size, padding: int = 0) -> Annotations:
    """Reads `name:keypoints_y:keypoints_x`, y first, -1 is missing.

    Args:
        name_of: the name that the first column stands for; DataError if it is none.
        frame: (height, width) that the keypoints refer to.
        padding: pixels by which another common form of the file is wider at each side; which form it is is
            found by looking where the necks are.

    Raises:
        DataError: names the line that is malformed, or what is wrong with the file as a whole.
    """
    lines = read_lines(path)
    header = next(lines)
    if header.replace(" ", "") != HEADER:
        raise DataError(
            f"{path}:1: wrong header (found {header[:80]!r}, expected {HEADER}). "
            "Download the annotation again."
        )
    first_line: dict[Name, int] = {}
    coordinates = array("d")
    for number, line in enumerate(lines, start=2):
        try:
            name, points = parse_line(line, name_of)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        if name in first_line:
            raise DataError(f"{path}:{number}: {name} is annotated twice (line {first_line[name]} too).")
        first_line[name] = number
        coordinates.frombytes(points.tobytes())
    keypoints = np.frombuffer(coordinates).reshape(-1, NUM_JOINTS, 2)
    shown = f"{frame[0]}x{frame[1]}"
    if padding and _is_padded(keypoints, frame, padding):
        keypoints = keypoints - np.array([padding, 0.0])
        shown = f"{frame[0]}x{frame[1] + 2 * padding} padded"
    check_people(keypoints, frame, path)
    return Annotations(list(first_line), keypoints, shown)


def _is_padded(keypoints: Points, frame: Size, padding: int) -> bool:
    """Whether necks are in the middle of the padded frame: their median x is 88 of 176, or 128 of 256."""
    neck_x = keypoints[:, NECK, 0]
    neck_x = neck_x[~np.isnan(neck_x)]
    return bool(neck_x.size) and bool(np.median(neck_x) >= frame[1] / 2 + padding / 2)


def parse_line(line: str, name_of: NameOf) -> tuple[Name, Points]:
    """Name and keypoints, float (18, 2) with NaN for missing joints, of a line below the header.

    Raises:
        DataError: malformed.
    """
    fields = [field.strip() for field in line.split(":")]
    if len(fields) != 3:
        raise DataError(f"wrong number of columns (found {len(fields)}, expected 3).")
    name = name_of(fields[0])
    y, x = (_parse_joints(field) for field in fields[1:])
    return name, from_file_values([value for joint in zip(x, y, strict=True) for value in joint])


def _parse_joints(text: str) -> list[float]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not a list of numbers (found {text[:40]!r}).") from error
    if not isinstance(values, list):
        raise DataError(f"not a list of numbers (found {text[:40]!r}).")
    if len(values) != NUM_JOINTS:
        raise DataError(f"wrong number of joints (found {len(values)}, expected {NUM_JOINTS}).")
    return [coordinate(value) for value in values]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a coordinate")
