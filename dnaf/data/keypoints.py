"""Keypoints: 18 OpenPose joints an image, as annotation files give them and as this package keeps them.

In memory keypoints are float64 (18, 2), x then y, in pixels of a frame 256 high and 176 wide; a missing
joint is NaN in both. Joints may lie outside the frame, and so be negative: only -1 in a file means missing.

Joint order: nose, neck, right shoulder, elbow, wrist, left shoulder, elbow, wrist, right hip, knee, ankle,
left hip, knee, ankle, right eye, left eye, right ear, left ear.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from dnaf.data import deepfashion
from dnaf.errors import DataError, StateError
from dnaf.files import write_atomic

Points = NDArray[np.float64]

FRAME = (256, 176)  # height, width
CROPPED, PADDED = "256x176", "256x256 padded"
NUM_JOINTS = 18
NECK, RIGHT_HIP, LEFT_HIP = 1, 8, 11

# The padded frame is 256x256 with the picture in its middle: PATN@281ee2d:tool/resize_fashion.py:25-41.
_PADDING = 40
# Between the necks' median x in the cropped frame (88, measured) and in the padded one (128).
_PADDED_NECK_X = 108
_MAX_POSE_BYTES = 10_000  # a real one has about 900
_LARGEST = 1024  # pixels; real files stay within -40...256
_MISSING = -1
_MIRRORED_JOINT = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]
_COLUMNS = ["name", "keypoints_y", "keypoints_x"]
_HEADER = ["name", *(f"{axis}{joint}" for joint in range(NUM_JOINTS) for axis in "xy")]


@dataclass(frozen=True)
class Annotations:
    """What an annotation file says.

    Attributes:
        names: flat names in the file's order.
        keypoints: float (N, 18, 2), x then y, in the 256x176 frame; missing joints are NaN.
        frame: the frame found in the file, `256x176` or `256x256 padded` (converted by x - 40).
    """

    names: list[str]
    keypoints: Points
    frame: str


def read_annotations(path: Path) -> Annotations:
    """Reads `fasion-resize-annotation-*.csv`: `name:keypoints_y:keypoints_x`, y first, -1 is missing.

    A joint of which only one coordinate is -1 is missing too, as in the field's code.

    Raises:
        DataError: names the line that is malformed, or what is wrong with the file as a whole.
    """
    lines = deepfashion.read_lines(path)
    header = [column.strip() for column in lines[0].split(":")]
    if header != _COLUMNS:
        raise DataError(
            f"{path}:1: wrong header (found {lines[0][:80]!r}, expected {':'.join(_COLUMNS)}). "
            "Download the annotation again."
        )
    first_line: dict[str, int] = {}
    rows: list[Points] = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            name, points = _parse_line(line)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        if name in first_line:
            raise DataError(f"{path}:{number}: {name} is annotated twice (line {first_line[name]} too).")
        first_line[name] = number
        rows.append(points)
    keypoints = np.array(rows).reshape(-1, NUM_JOINTS, 2)
    keypoints, frame = _to_frame(keypoints)
    _check_whole(keypoints, path)
    return Annotations(list(first_line), keypoints, frame)


def read_pose_txt(data: bytes, where: str | Path) -> Points:
    """Reads `pose/**.txt`: 18 lines `x y` in the 256x256 padded frame, -1 is missing.

    Source: NTED@6e3f0e9:data/fashion_data.py:106-107,171-196.

    Returns:
        Float (18, 2) in the 256x176 frame, missing joints NaN.

    Raises:
        DataError: not 18 lines of two finite numbers.
    """
    rows = [line.split() for line in data.decode("utf-8", errors="replace").splitlines()]
    if len(rows) != NUM_JOINTS or any(len(row) != 2 for row in rows):
        raise DataError(f"{where}: not a pose file (found {len(rows)} lines, expected 18 lines `x y`).")
    try:
        points = _to_points([_number(float(value)) for row in rows for value in row])
    except (ValueError, DataError) as error:
        raise DataError(f"{where}: {error}. Download the archive again.") from error
    points[:, 0] -= _PADDING
    return points


def read_pose_archive(path: Path, names: Sequence[str]) -> Annotations:
    """Reads the pose files of those of `names` that the archive has; it mirrors the image tree as `.txt`.

    Returns:
        The annotations found, in the order of `names`.

    Raises:
        DataError: not a zip archive, a damaged member, or a member that is not a pose file.
    """
    members, rows = [], []
    try:
        with ZipFile(path) as archive:
            found = {_image_of(info.filename, path): info for info in archive.infolist() if not info.is_dir()}
            for name in names:
                if name in found:
                    info = found[name]
                    if info.file_size > _MAX_POSE_BYTES:
                        raise DataError(f"{path}: {info.filename} is too large for a pose file.")
                    rows.append(read_pose_txt(archive.read(info), f"{path}: {info.filename}"))
                    members.append(name)
    # zipfile raises RuntimeError for encrypted members and NotImplementedError for unknown methods.
    except (OSError, BadZipFile, RuntimeError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a readable zip archive ({error}). Download it again.") from error
    keypoints = np.array(rows).reshape(-1, NUM_JOINTS, 2)
    _check_whole(keypoints, path)
    return Annotations(members, keypoints, PADDED)


def mirror(keypoints: Points, width: int) -> Points:
    """Keypoints of the image flipped left to right: left and right joints change names.

    Args:
        keypoints: float (..., 18, 2) in a frame `width` pixels wide.
    """
    mirrored = keypoints[..., _MIRRORED_JOINT, :].copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def write_keypoints(path: Path, stems: Sequence[str], keypoints: Points) -> None:
    """Writes `name,x0,y0,...,x17,y17`, a line an image; the cells of a missing joint are empty."""
    lines = [",".join(_HEADER)]
    for stem, points in zip(stems, keypoints, strict=True):
        lines.append(",".join([stem, *map(_cell, points.reshape(-1).tolist())]))
    write_atomic(path, "\n".join(lines) + "\n")


def read_keypoints(path: Path) -> tuple[list[str], Points]:
    """Reads what `write_keypoints` wrote: stems, and float (N, 18, 2) with NaN for missing joints.

    Raises:
        StateError: the file is missing or not of this form.
    """
    try:
        header, *rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        values = [[float(cell) if cell else np.nan for cell in row[1:]] for row in rows]
        keypoints = np.array(values, dtype=np.float64).reshape(len(rows), NUM_JOINTS, 2)
    except (OSError, ValueError) as error:
        raise StateError(f"{path}: not a table of keypoints ({error}). Run stage split again.") from error
    if header != _HEADER:
        raise StateError(f"{path}: wrong header. Run stage split again.")
    return [row[0] for row in rows], keypoints


def _image_of(member: str, path: Path) -> str:
    """Flat name of the image that a pose file belongs to."""
    if not member.endswith(".txt"):
        raise DataError(f"{path}: {member} is not a pose file (expected *.txt only). Download it again.")
    try:
        return deepfashion.flat_name(member.removesuffix(".txt") + deepfashion.SUFFIX)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _parse_line(line: str) -> tuple[str, Points]:
    fields = [field.strip() for field in line.split(":")]
    if len(fields) != len(_COLUMNS):
        raise DataError(f"wrong number of columns (found {len(fields)}, expected 3).")
    name = fields[0]
    deepfashion.outfit(name)
    y, x = (_parse_joints(field) for field in fields[1:])
    return name, _to_points([value for joint in zip(x, y, strict=True) for value in joint])


def _parse_joints(text: str) -> list[float]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not a list of numbers (found {text[:40]!r}).") from error
    if not isinstance(values, list):
        raise DataError(f"not a list of numbers (found {text[:40]!r}).")
    if len(values) != NUM_JOINTS:
        raise DataError(f"wrong number of joints (found {len(values)}, expected {NUM_JOINTS}).")
    return [_number(value) for value in values]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a coordinate")


def _number(value: Any) -> float:
    # bool is an int in Python, but `true` in a list of coordinates is a mistake. NaN fails the comparison.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise DataError(f"not a coordinate in pixels (found {str(value)[:40]}, expected at most {_LARGEST}).")
    return float(value)


def _to_points(values: list[float]) -> Points:
    """Float (18, 2) with NaN for missing joints; the test comes before any arithmetic on coordinates."""
    points = np.array(values, dtype=np.float64).reshape(NUM_JOINTS, 2)
    points[(points == _MISSING).any(axis=1)] = np.nan
    return points


def _to_frame(keypoints: Points) -> tuple[Points, str]:
    neck_x = keypoints[:, NECK, 0]
    neck_x = neck_x[~np.isnan(neck_x)]
    if neck_x.size == 0 or np.median(neck_x) < _PADDED_NECK_X:
        return keypoints, CROPPED
    return keypoints - np.array([_PADDING, 0.0]), PADDED


def _check_whole(keypoints: Points, path: Path) -> None:
    """Refuses a file whose coordinates cannot be those of people in the frame, axes swapped for one."""
    visible = keypoints[~np.isnan(keypoints[..., 0])]
    inside = ((visible >= 0) & (visible < np.array(FRAME[::-1]))).all(axis=1)
    if len(visible) and inside.mean() <= 0.5:
        raise DataError(
            f"{path}: wrong frame (found {inside.mean():.0%} of the joints inside {FRAME[0]}x{FRAME[1]} "
            "pixels, expected nearly all). Use the fasion-resize-annotation files."
        )
    # In swapped axes 77 % of the real joints still lie inside; but people stand, so hips are below necks.
    hips = (keypoints[:, RIGHT_HIP] + keypoints[:, LEFT_HIP]) / 2
    offset = hips - keypoints[:, NECK]
    offset = offset[~np.isnan(offset[:, 0])]
    if len(offset) == 0:
        return
    across, down = np.median(offset, axis=0)
    if down <= abs(across):
        raise DataError(
            f"{path}: axes swapped or turned (found hips {down:.0f} pixels below and {across:.0f} beside the "
            "necks, expected well below). The second column is y, the third x."
        )


def _cell(value: float) -> str:
    # repr is the shortest text that reads back to the same number
    return "" if np.isnan(value) else repr(value).removesuffix(".0")
