"""Keypoints: 18 OpenPose joints an image, as this package keeps them.

In memory keypoints are float64 (18, 2), x then y, in pixels of the data set's frame; a missing joint is NaN
in both. Joints may lie outside the frame, and so be negative: only -1 in a file means missing.

Joint order: nose, neck, right shoulder, elbow, wrist, left shoulder, elbow, wrist, right hip, knee, ankle,
left hip, knee, ankle, right eye, left eye, right ear, left ear.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnaf.core.errors import DataError, StateError, one_line
from dnaf.core.files import atomic_file, read_bytes
from dnaf.core.images import Size
from dnaf.data.formats.names import Name, Stem

Points = NDArray[np.float64]

NUM_JOINTS = 18
NECK, RIGHT_HIP, LEFT_HIP = 1, 8, 11

_LARGEST = 1024  # pixels; real files stay within -40...256
_MISSING = -1
_FARTHEST = 10  # sizes of the frame that a coordinate may lie away; farther is a mistake
# All of a person's coordinates are at most that in no pixels: shares of an image are 0 to 1, or -1 to 1.
_LARGEST_SHARE = 2
_MIRRORED_JOINT = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]
TABLE_HEADER = ",".join(["stem", *(f"{axis}{joint}" for joint in range(NUM_JOINTS) for axis in "xy")])


@dataclass(frozen=True)
class Annotations:
    """What an annotation file says.

    Attributes:
        names: names of the images in the file's order.
        keypoints: float (N, 18, 2), x then y, in the data set's frame; missing joints are NaN.
        frame: the frame found in the file, as `256x176` or `256x256 padded` (converted by x - 40).
    """

    names: list[Name]
    keypoints: Points
    frame: str


def mirror(keypoints: Points, width: int) -> Points:
    """Keypoints of the image flipped left to right: left and right joints change names.

    Args:
        keypoints: float (..., 18, 2) in a frame `width` pixels wide.
    """
    mirrored = keypoints[..., _MIRRORED_JOINT, :].copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def interpolate(first: Points, second: Points, share: float) -> Points:
    """Keypoints on the straight way from one pose to another.

    Args:
        first: float (18, 2); missing joints are NaN.
        second: likewise; a joint missing in one of both is missing in between.
        share: of the way, 0 to 1; the ends are given exactly.
    """
    if share == 0:
        return first.copy()
    if share == 1:
        return second.copy()
    return np.asarray((1 - share) * first + share * second)


def write_keypoints(path: Path, stems: Iterable[Stem], keypoints: Iterable[Points]) -> None:
    """Writes `stem,x0,y0,...,x17,y17`, a line an image; the cells of a missing joint are empty.

    Args:
        keypoints: float (18, 2) of each image; missing joints are NaN.
    """
    with atomic_file(path) as file:
        file.write(f"{TABLE_HEADER}\n".encode())
        for stem, points in zip(stems, keypoints, strict=True):
            line = ",".join([stem, *map(_cell, points.reshape(-1).tolist())])
            file.write(f"{line}\n".encode())


def read_keypoints(path: Path) -> tuple[list[Stem], Points]:
    """Reads what `write_keypoints` wrote: stems, and float (N, 18, 2) with NaN for missing joints.

    Raises:
        StateError: the file is missing or not of this form.
    """
    try:
        header, *lines = _lines(path)
        stems, keypoints = [], np.empty((len(lines), NUM_JOINTS, 2))
        for index, line in enumerate(lines):  # a row's strings at a time: those of all take 4 kB an image
            stem, *cells = line.split(",")
            stems.append(Stem(stem))
            values = np.array([float(cell) if cell else np.nan for cell in cells])
            keypoints[index] = values.reshape(NUM_JOINTS, 2)
    except (OSError, ValueError) as error:
        raise StateError(
            f"{path}: not a table of keypoints ({one_line(error)}). Run stage split again."
        ) from error
    if header != TABLE_HEADER:
        raise StateError(f"{path}: wrong header. Run stage split again.")
    return stems, keypoints


def _lines(path: Path) -> list[str]:
    # Not `splitlines`, which divides at characters that names may have, as U+2028.
    return read_bytes(path).decode().removesuffix("\n").split("\n")


def coordinate(value: Any) -> float:
    """A number of an annotation file, in pixels.

    Raises:
        DataError: not a finite number of a size that pixels have.
    """
    # bool is an int in Python, but `true` in a list of coordinates is a mistake. NaN fails the comparison.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise DataError(f"not a coordinate in pixels (found {str(value)[:40]}, expected at most {_LARGEST}).")
    return float(value)


def from_file_values(values: list[float]) -> Points:
    """Float (18, 2) of x0, y0, x1, ... as in the field's files, with NaN for joints that are -1 there.

    A joint of which only one coordinate is -1 is missing too, as in the field's code. This comes before any
    arithmetic on coordinates.
    """
    points = np.array(values, dtype=np.float64).reshape(NUM_JOINTS, 2)
    points[(points == _MISSING).any(axis=1)] = np.nan
    return points


def check_pose(points: Points, frame: Size, place: str | Path, remedy: str) -> None:
    """Refuses coordinates of one person that are not pixels of the frame they should be of.

    Args:
        points: float (18, 2); missing joints are NaN.
        frame: (height, width).
        remedy: what to do if they are of another one.

    Raises:
        DataError: normalised coordinates, one far away, or fewer than half of the joints inside.
    """
    check_pixels(points, place)
    visible = points[~np.isnan(points[:, 0])]
    farthest = np.abs(visible).max(initial=0)
    if not farthest <= _FARTHEST * max(frame):
        raise DataError(
            f"{place}: not a coordinate in pixels (found {farthest:.0f}, expected at most "
            f"{_FARTHEST * max(frame):,} in {frame[0]}x{frame[1]}). {remedy}"
        )
    num_inside = int(((visible >= 0) & (visible < np.array(frame[::-1]))).all(axis=1).sum())
    if 2 * num_inside < len(visible):
        raise DataError(
            f"{place}: pixels of another image (found {num_inside} of {len(visible)} joints inside "
            f"{frame[0]}x{frame[1]}, height x width; expected most). {remedy}"
        )


def check_pixels(points: Points, place: str | Path) -> None:
    """Refuses (DataError) coordinates of one person, float (18, 2), that are shares of an image."""
    if _are_shares(points[None]).any():
        raise DataError(
            f"{place}: not pixels (found none above {_LARGEST_SHARE}, as of shares of an image, 0 to 1). "
            "Multiply x by its width and y by its height; of OpenPose, use `--keypoint_scale 0`."
        )


def _are_shares(keypoints: Points) -> NDArray[np.bool_]:
    """Bool (N,): which of the people (N, 18, 2) have two joints or more, and all of them in shares."""
    missing = np.isnan(keypoints)
    is_share = (keypoints >= -_LARGEST_SHARE) & (keypoints <= _LARGEST_SHARE) | missing
    return np.asarray(((~missing[..., 0]).sum(axis=1) >= 2) & is_share.all(axis=(1, 2)))


def check_people(keypoints: Points, frame: Size, path: Path) -> None:
    """Refuses a file whose coordinates cannot be those of people in the frame, axes swapped for one.

    Args:
        keypoints: float (N, 18, 2) in pixels of the frame, missing joints NaN.
        frame: (height, width).

    Raises:
        DataError: tells what was found.
    """
    if _are_shares(keypoints).any():
        raise DataError(
            f"{path}: not pixels (found {_are_shares(keypoints).sum():,} of {len(keypoints):,} people whose "
            f"coordinates are all at most {_LARGEST_SHARE}, as shares of an image are). "
            "Use annotations in pixels."
        )
    num_visible = np.count_nonzero(~np.isnan(keypoints[..., 0]))
    num_inside = np.count_nonzero(((keypoints >= 0) & (keypoints < np.array(frame[::-1]))).all(axis=-1))
    if num_visible and num_inside / num_visible <= 0.5:
        raise DataError(
            f"{path}: wrong frame (found {num_inside / num_visible:.0%} of the joints inside "
            f"{frame[0]}x{frame[1]} pixels, expected nearly all). Use annotations of this data set's frame."
        )
    check_corner(keypoints, path)
    check_upright(keypoints, path)


def check_corner(keypoints: Points, path: Path) -> None:
    """Refuses a file in which missing joints are 0, 0, as some copies of the field's annotations have them.

    Raises:
        DataError: more than one joint in a hundred lies exactly there; in the published test file none does.
    """
    num_visible = np.count_nonzero(~np.isnan(keypoints[..., 0]))
    num_corners = np.count_nonzero((keypoints == 0).all(axis=-1))
    if num_visible and num_corners / num_visible > 0.01:
        raise DataError(
            f"{path}: missing joints written as 0, 0 (found {num_corners:,} of {num_visible:,} joints "
            "there, expected them to be missing as docs/data.md says). Mark them like that."
        )


def check_upright(keypoints: Points, path: Path) -> None:
    """Refuses a file whose people do not stand, half of them at least: its axes are swapped, then.

    Raises:
        DataError: tells what was found.
    """
    # In swapped axes 77 % of the real joints still lie inside; but people stand, so hips are below necks.
    hips = (keypoints[:, RIGHT_HIP] + keypoints[:, LEFT_HIP]) / 2
    offset = hips - keypoints[:, NECK]
    offset = offset[~np.isnan(offset[:, 0])]
    if len(offset) == 0:
        return
    across, down = np.median(offset, axis=0)
    if down <= abs(across):
        raise DataError(
            f"{path}: axes swapped or turned (found hips {down:.3g} below and {across:.3g} beside the necks, "
            "expected well below). Check which numbers are x and which are y."
        )


def _cell(value: float) -> str:
    # repr is the shortest text that reads back to the same number
    return "" if np.isnan(value) else repr(value).removesuffix(".0")
