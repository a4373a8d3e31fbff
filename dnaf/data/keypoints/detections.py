"""What detectors write: JSON or arrays of x, y and a score, of 17, 18 or 25 joints.

A joint of a small score is missing: every detector but OpenPose gives each joint a place and a score, those
that are not in the image too.
"""

import io
import json
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from dnaf.core.errors import DataError
from dnaf.data.formats.names import Name, NameOf
from dnaf.data.keypoints.joint_sets import SIZES, to_openpose_18
from dnaf.data.keypoints.keypoints import Points

# Below it a joint is missing, in files and of `--detector`: the threshold by which rtmlib and MMPose draw.
# COCO's visibilities 1 (hidden) and 2 lie above, 0 (not labelled) below.
LEAST_SCORE = 0.3


def parse_json(data: bytes, place: str) -> Any:
    """The content of a JSON file; NaN and infinity in it are refused.

    Raises:
        DataError: not JSON in UTF-8.
    """
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: not valid JSON ({' '.join(str(error).split())[:120]}).") from error


def list_of_objects(content: Any, key: str, place: str) -> list[dict[str, Any]]:
    """The objects under a key; DataError if they are not there."""
    values = content.get(key) if isinstance(content, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise DataError(f"{place}: no list {key!r} (expected {{{key!r}: [{{...}}, ...]}}). See docs/data.md.")
    return values


def from_numbers(values: Any, num_joints: tuple[int, ...], place: str) -> Points:
    """Float (18, 2) of a flat list x, y, score, ...; missing joints are NaN.

    Raises:
        DataError: not such a list, or of another number of joints.
    """
    if not isinstance(values, list) or len(values) % 3 or len(values) // 3 not in num_joints:
        found = f"{len(values)} numbers" if isinstance(values, list) else f"{values!r:.40}"
        raise DataError(
            f"{place}: wrong number of joints (found {found}, expected 3 numbers for each of "
            f"{_shown(num_joints)}). See docs/data.md."
        )
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise DataError(f"{place}: not a list of numbers. See docs/data.md.")
    try:
        table = np.array(values, np.float64).reshape(-1, 3)
    except OverflowError as error:
        raise DataError(f"{place}: not a coordinate ({error}).") from error
    return to_openpose_18(_with_scores(table[:, :2], table[:, 2]))


def from_numpy(data: bytes, place: str) -> Points:
    """Float (18, 2) of a `.npy` file of x, y and perhaps a score; NaN, -1 -1 and small scores are missing.

    Raises:
        DataError: not such an array.
    """
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    # A damaged header goes through Python's tokenizer and parser, which raise what they like.
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{place}: not a readable .npy file ({reason}).") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.ndim != 2:
        raise DataError(f"{place}: not a table of numbers (expected joints x 2 or x 3).")
    if array.shape[1] not in (2, 3) or len(array) not in SIZES:
        raise DataError(
            f"{place}: wrong shape (found {array.shape[0]}x{array.shape[1]}, expected {_shown(SIZES)} joints "
            "x 2 or x 3)."
        )
    points = array[:, :2].astype(np.float64)
    if np.isinf(points).any():
        raise DataError(f"{place}: not a coordinate (found infinity).")
    points[(points == -1).all(axis=1) | np.isnan(points).any(axis=1)] = np.nan
    return to_openpose_18(_with_scores(points, array[:, 2]) if array.shape[1] == 3 else points)


def named(place: str, name_of: NameOf, text: str) -> Name:
    """The image that a file means by a text; DataError, with the place, if there is none."""
    try:
        return name_of(text)
    except DataError as error:
        raise DataError(f"{place}: {error}") from error


def _with_scores(points: Points, scores: NDArray[Any]) -> Points:
    # Written so that a score that is NaN is not enough.
    return np.where((scores >= LEAST_SCORE)[:, None], points, np.nan)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a coordinate")


def _shown(numbers: tuple[int, ...]) -> str:
    return " or ".join(", ".join(map(str, numbers)).rsplit(", ", 1))
