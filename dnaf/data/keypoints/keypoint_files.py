"""Keypoints of a custom data set, in the dialects that detectors write.

Exactly one of these stands in the data set's folder; coordinates are pixels of each image itself:

- `keypoints.csv`: `name,x0,y0,...,x17,y17` (or `stem,x0,...`, as stage split writes it), missing joints
  empty; or `name:keypoints_y:keypoints_x`, y first, missing -1
- `keypoints.json`: COCO, 17 joints, `x,y,v` each, v = 0 is missing
- `keypoints/`: a file an image, OpenPose's `<name>_keypoints.json` or `<name>.json` (18 or 25 joints,
  confidence 0 is missing), or `<name>.npy` (17, 18 or 25 rows of x, y and perhaps confidence)
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from dnaf.core.errors import DataError, one_line
from dnaf.core.images import Size
from dnaf.data.archives.open import open_archive
from dnaf.data.formats import custom
from dnaf.data.formats.lists import read_lines
from dnaf.data.formats.names import Name, NameOf, stem
from dnaf.data.keypoints.annotations import HEADER, parse_line
from dnaf.data.keypoints.joint_sets import SIZES, to_openpose_18
from dnaf.data.keypoints.keypoints import NUM_JOINTS, TABLE_HEADER, Points, check_corner, check_upright

_TABLE_HEADERS = (TABLE_HEADER.replace("stem", "name", 1), TABLE_HEADER)
_TABLE, _COCO, _FOLDER = "keypoints.csv", "keypoints.json", "keypoints"
_MAX_BYTES = 1_000_000_000  # of the COCO file
_MAX_POSE_BYTES = 100_000  # of one image's file
_FARTHEST = 10  # image sizes that a coordinate may lie away; farther is a mistake

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
        _check_reach(joints, sizes[name], place)
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
    found = [raw / name for name in (_TABLE, _COCO, _FOLDER) if (raw / name).exists()]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{raw}: keypoints are expected once (found {names}; expected one of {_TABLE}, {_COCO}, "
            f"{_FOLDER}/). See docs/data.md."
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
    names: dict[str, Name] = {spelling: name for name in sizes for spelling in (name, stem(name))}

    def name_of(text: str) -> Name:
        name = names.get(text.removeprefix(f"{custom.IMAGES}/"))
        if name is None:
            raise DataError(f"{text[:120]!r}: no such image (found {len(sizes):,} others in images/).")
        return name

    if origin.name == _COCO:
        return "COCO, 17 joints", _read_coco(origin, sizes, name_of)
    if origin.name == _FOLDER:
        return "a file an image", _read_folder(origin, name_of)
    lines = read_lines(origin)
    header = lines[0].replace(" ", "")
    if header in _TABLE_HEADERS:
        return "name,x0,y0,...", _read_table(origin, lines, name_of)
    if header == HEADER:
        return HEADER, _read_annotation(origin, lines, name_of)
    raise DataError(
        f"{origin}:1: wrong header (found {lines[0][:80]!r}, expected {_TABLE_HEADERS[0][:13]}... or "
        f"{HEADER}). See docs/data.md."
    )


def _read_table(path: Path, lines: list[str], name_of: NameOf) -> Iterator[Entry]:
    for number, line in enumerate(lines[1:], start=2):
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
        yield place, _named(place, name_of, first), points


def _read_annotation(path: Path, lines: list[str], name_of: NameOf) -> Iterator[Entry]:
    for number, line in enumerate(lines[1:], start=2):
        place = f"{path}:{number}"
        try:
            name, points = parse_line(line, name_of)
        except DataError as error:
            raise DataError(f"{place}: {error}") from error
        yield place, name, points


def _read_coco(path: Path, sizes: Mapping[Name, Size], name_of: NameOf) -> Iterator[Entry]:
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"{path}: too large (expected at most {_MAX_BYTES:,} bytes).")
    content = _json(path.read_bytes(), str(path))
    images = {}
    for index, image in enumerate(_list_of_objects(content, "images", path)):
        place = f"{path}: images[{index}]"
        name = _named(place, name_of, str(image.get("file_name")))
        told = image.get("height"), image.get("width")
        if told != (None, None) and told != sizes[name]:
            raise DataError(
                f"{place}: {name} has another size (found {sizes[name][0]}x{sizes[name][1]} pixels, the file "
                f"says {told[0]}x{told[1]}). Annotate the images as they are."
            )
        images[_key(image.get("id"), place)] = name
    for index, annotation in enumerate(_list_of_objects(content, "annotations", path)):
        place = f"{path}: annotations[{index}]"
        key = _key(annotation.get("image_id"), place)
        if key not in images:
            raise DataError(f"{place}: image_id {key} is not among the images.")
        yield place, images[key], _with_confidence(annotation.get("keypoints"), (17,), place)


def _read_folder(path: Path, name_of: NameOf) -> Iterator[Entry]:
    with open_archive(path) as archive:
        for member, data in archive.read(archive.names):
            place = f"{path}/{member}"
            if len(data) > _MAX_POSE_BYTES:
                raise DataError(f"{place}: too large (expected at most {_MAX_POSE_BYTES:,} bytes).")
            base, _, suffix = member.rpartition(".")
            if suffix == "json":
                name = _named(place, name_of, base.removesuffix("_keypoints"))
                yield place, name, read_openpose(data, place)
            elif suffix == "npy":
                yield place, _named(place, name_of, base), _numpy(data, place)
            else:
                raise DataError(f"{place}: not a keypoint file (expected .json or .npy). Remove it.")


def read_openpose(data: bytes, place: str) -> Points:
    """Float (18, 2) of an OpenPose file of one person; all NaN if it has no one.

    Source: OpenPose's `people[].pose_keypoints_2d`; BODY_25 or COCO_18 by the number of joints.

    Raises:
        DataError: not such a file, or of several people.
    """
    people = _list_of_objects(_json(data, place), "people", place)
    if len(people) > 1:
        raise DataError(f"{place}: {len(people)} people (expected at most 1). Keep the one that is meant.")
    if not people:
        return np.full((NUM_JOINTS, 2), np.nan)
    return _with_confidence(people[0].get("pose_keypoints_2d"), (18, 25), place)


def _numpy(data: bytes, place: str) -> Points:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    # A damaged header goes through Python's tokenizer and parser, which raise what they like.
    except Exception as error:
        reason = one_line(error)
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
    if array.shape[1] == 3:
        points[array[:, 2] == 0] = np.nan
    return to_openpose_18(points)


def _with_confidence(values: Any, num_joints: tuple[int, ...], place: str) -> Points:
    """Float (18, 2) of a flat list x, y, confidence, ...; confidence 0 is missing."""
    if not isinstance(values, list) or len(values) % 3 or len(values) // 3 not in num_joints:
        found = f"{len(values)} numbers" if isinstance(values, list) else f"{values!r:.40}"
        raise DataError(
            f"{place}: wrong number of joints (found {found}, expected 3 for each of {_shown(num_joints)})."
        )
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise DataError(f"{place}: not a list of numbers.")
    try:
        table = np.array(values, np.float64).reshape(-1, 3)
    except OverflowError as error:
        raise DataError(f"{place}: not a coordinate ({error}).") from error
    points = table[:, :2].copy()
    points[table[:, 2] == 0] = np.nan
    return to_openpose_18(points)


def _check_reach(points: Points, size: Size, place: str) -> None:
    limit = _FARTHEST * max(size)
    worst = np.nanmax(np.abs(points), initial=0)
    if not worst <= limit:
        raise DataError(
            f"{place}: not a coordinate in pixels (found {worst:.0f}, expected at most {limit}; the image "
            f"has {size[0]}x{size[1]})."
        )


def _json(data: bytes, place: str) -> Any:
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: not valid JSON ({one_line(error)}).") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a coordinate")


def _list_of_objects(content: Any, key: str, place: str | Path) -> list[dict[str, Any]]:
    values = content.get(key) if isinstance(content, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise DataError(f"{place}: no list {key!r} (expected {{{key!r}: [{{...}}, ...]}}). See docs/data.md.")
    return values


def _key(value: Any, place: str) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise DataError(f"{place}: no id (found {value!r:.40}).")
    return value


def _named(place: str, name_of: NameOf, text: str) -> Name:
    try:
        return name_of(text)
    except DataError as error:
        raise DataError(f"{place}: {error}") from error


def _shown(numbers: tuple[int, ...]) -> str:
    return " or ".join(", ".join(map(str, numbers)).rsplit(", ", 1))
