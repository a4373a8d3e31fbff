"""Keypoints of a custom data set, in the dialects that detectors write.

Exactly one of these stands in the data set's folder; coordinates are pixels of each image itself:

- `keypoints.csv`: `name,x0,y0,...,x17,y17` (or `stem,x0,...`, as stage split writes it), missing joints
  empty; or `name:keypoints_y:keypoints_x`, y first, missing -1
- `keypoints.json`: COCO, 17 joints
- `keypoints/`: a file an image, OpenPose's `<name>_keypoints.json` or `<name>.json` (18 or 25 joints), or
  `<name>.npy` (17, 18 or 25 rows of x, y and perhaps a score)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnaf.core import commands
from dnaf.core.errors import DataError
from dnaf.core.filenames import shown, suffix
from dnaf.core.images import Size
from dnaf.data.archives.open import open_archive
from dnaf.data.formats import custom
from dnaf.data.formats.lists import read_lines
from dnaf.data.formats.names import Name, NameOf
from dnaf.data.keypoints.annotations import HEADER, parse_line
from dnaf.data.keypoints.coco_files import read_coco
from dnaf.data.keypoints.detections import from_numpy, named
from dnaf.data.keypoints.keypoints import (
    NUM_JOINTS,
    TABLE_HEADER,
    Points,
    check_corner,
    check_pose,
    check_upright,
)
from dnaf.data.keypoints.openpose_files import read_openpose_of

_TABLE_HEADERS = (TABLE_HEADER.replace("stem", "name", 1), TABLE_HEADER)
_TABLE, _COCO, _FOLDER = KEYPOINT_FILES = ("keypoints.csv", "keypoints.json", "keypoints")
_MAX_POSE_BYTES = 100_000  # of one image's file

Entry = tuple[str, Name, Points]  # where it stands, the image it is for, float (18, 2)


@dataclass(frozen=True)
class KeypointFiles:
    """What the keypoint files of a data set say.

    Attributes:
        origin: the file or folder.
        dialect: what was found to be in it.
        names: names of the annotated images.
        keypoints: float (N, 18, 2), x then y, in pixels of each image; missing joints are NaN.
        not_annotated: names of the images without an entry.
    """

    origin: Path
    dialect: str
    names: list[Name]
    keypoints: Points
    not_annotated: list[str]


def read_keypoint_files(raw: Path, sizes: Mapping[Name, Size]) -> KeypointFiles:
    """Reads the keypoints that are in a data set's folder.

    Args:
        raw: the data set's folder.
        sizes: (height, width) of every image by its name, the path below `images/`.

    Raises:
        DataError: none or several dialects, a malformed entry, an unknown image, or coordinates that cannot
            be those of people in the images.
    """
    origin = find_keypoint_files(raw)
    dialect, entries = _dialect(origin, sizes)
    where: dict[Name, str] = {}
    points: dict[Name, Points] = {}
    for place, name, joints in entries:
        if name in where:
            raise DataError(f"{place}: {name} is annotated twice ({where[name]} too). Remove one of them.")
        where[name], points[name] = place, joints
        check_pose(joints, sizes[name], place, "Give coordinates in pixels of each image itself.")
    annotated = [name for name in sizes if name in points]
    keypoints = np.array([points[name] for name in annotated]).reshape(-1, NUM_JOINTS, 2)
    _check_inside(keypoints, [sizes[name] for name in annotated], origin)
    check_corner(keypoints, origin)
    check_upright(keypoints, origin)
    return KeypointFiles(
        origin, dialect, annotated, keypoints, [name for name in sizes if name not in points]
    )


def find_keypoint_files(raw: Path) -> Path:
    """The file or folder of keypoints in a data set's folder; DataError if there is none or several."""
    found = [raw / name for name in KEYPOINT_FILES if (raw / name).exists()]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{raw}: keypoints are expected once (found {names}; expected one of {_TABLE}, {_COCO}, "
            f"{_FOLDER}/). See docs/data.md; `{commands.stage('find_poses')}` finds them in photographs."
        )
    return found[0]


def _check_inside(keypoints: Points, sizes: list[Size], origin: Path) -> None:
    ends = np.array(sizes, float).reshape(-1, 1, 2)[..., ::-1]
    is_visible = ~np.isnan(keypoints[..., 0])
    inside = np.all((keypoints >= 0) & (keypoints < ends), axis=-1)[is_visible]
    if len(inside) and inside.mean() <= 0.5:
        raise DataError(
            f"{origin}: wrong frame (found {inside.mean():.0%} of the joints inside their images, expected "
            "nearly all). Give coordinates in pixels of each image itself."
        )


def _dialect(origin: Path, sizes: Mapping[Name, Size]) -> tuple[str, Iterator[Entry]]:
    name_of = custom.finder(list(sizes))
    if origin.name == _COCO:
        return "COCO, 17 joints", read_coco(origin, sizes, name_of)
    if origin.name == _FOLDER:
        return "a file an image", _read_folder(origin, sizes, name_of)
    lines = read_lines(origin)
    first = next(lines)
    header = first.replace(" ", "")
    if header in _TABLE_HEADERS:
        return "name,x0,y0,...", _read_table(origin, lines, name_of)
    if header == HEADER:
        return HEADER, _read_annotation(origin, lines, name_of)
    raise DataError(
        f"{origin}:1: wrong header (found {first[:80]!r}, expected {_TABLE_HEADERS[0][:13]}... or "
        f"{HEADER}). See docs/data.md."
    )


def _read_table(path: Path, lines: Iterator[str], name_of: NameOf) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=2):
        place = f"{path}:{number}"
        first, *cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 2 * NUM_JOINTS:
            raise DataError(
                f"{place}: wrong number of columns (found {len(cells) + 1}, expected {2 * NUM_JOINTS + 1})."
            )
        try:
            values = [float(cell) if cell else np.nan for cell in cells]
        except ValueError as error:
            raise DataError(f"{place}: not a number ({error}).") from error
        if any(not cell for cell in cells) != bool(np.isnan(values).any()):
            raise DataError(
                f"{place}: not a coordinate (found nan; leave the cells of a missing joint empty)."
            )
        points = np.array(values).reshape(NUM_JOINTS, 2)
        points[np.isnan(points).any(axis=1)] = np.nan
        yield place, named(place, name_of, first), points


def _read_annotation(path: Path, lines: Iterator[str], name_of: NameOf) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=2):
        place = f"{path}:{number}"
        try:
            name, points = parse_line(line, name_of)
        except DataError as error:
            raise DataError(f"{place}: {error}") from error
        yield place, name, points


def _read_folder(path: Path, sizes: Mapping[Name, Size], name_of: NameOf) -> Iterator[Entry]:
    with open_archive(path) as archive:
        for member, data in archive.read(archive.names):
            place = f"{path}/{shown(member)}"
            if len(data) > _MAX_POSE_BYTES:
                raise DataError(f"{place}: too large (expected at most {_MAX_POSE_BYTES:,} bytes).")
            kind = suffix(member)
            base = member[: len(member) - len(kind)]
            if kind == ".json":
                name = named(place, name_of, base.removesuffix("_keypoints"))
                yield place, name, read_openpose_of(data, place, sizes[name])
            elif kind == ".npy":
                yield place, named(place, name_of, base), from_numpy(data, place)
            else:
                raise DataError(f"{place}: not a keypoint file (expected .json or .npy). Remove it.")
