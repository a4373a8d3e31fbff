"""Pose files: one small text file an image, in an archive or folder that mirrors the image tree.

Source: NTED@6e3f0e9:data/fashion_data.py:106-107,171-196.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dnaf.core.errors import DataError
from dnaf.core.filenames import shown, suffix
from dnaf.core.images import Size
from dnaf.data.archives.open import open_archive
from dnaf.data.archives.passwords import password_of
from dnaf.data.formats.names import Name, NameOf
from dnaf.data.keypoints.keypoints import (
    NUM_JOINTS,
    Annotations,
    Points,
    check_people,
    check_pixels,
    coordinate,
    from_file_values,
)

_MAX_BYTES = 10_000  # a real one has about 900


def read_pose_txt(data: bytes, where: str | Path, padding: int) -> Points:
    """Reads a pose file: 18 lines `x y` in the padded frame, -1 is missing.

    Args:
        padding: pixels by which the file's frame is wider at each side than the data set's.

    Returns:
        Float (18, 2) in the data set's frame, missing joints NaN.

    Raises:
        DataError: not 18 lines of two finite numbers.
    """
    rows = [line.split() for line in data.decode("utf-8", errors="replace").splitlines()]
    if len(rows) != NUM_JOINTS or any(len(row) != 2 for row in rows):
        raise DataError(f"{where}: not a pose file (found {len(rows)} lines, expected 18 lines `x y`).")
    try:
        points = from_file_values([coordinate(float(value)) for row in rows for value in row])
    except (ValueError, DataError) as error:
        raise DataError(f"{where}: {error}. Download the archive again.") from error
    check_pixels(points, where)
    points[:, 0] -= padding
    return points


def read_pose_files(
    path: Path, names: Sequence[Name], name_of: NameOf, frame: Size, padding: int
) -> Annotations:
    """Reads the pose files of those of `names` that an archive or folder has.

    Args:
        path: folder, zip, tar or RAR.
        name_of: name of an image by its path; a pose file has the image's path, but for `.txt`.
        frame: (height, width) of the data set's keypoints.
        padding: see `read_pose_txt`.

    Returns:
        The annotations found, in the order of `names`.

    Raises:
        DataError: not a readable archive, a damaged member, or one that is not a pose file.
    """
    rows: dict[str, Points] = {}
    with open_archive(path) as archive:
        name_by_member = {member: _image_of(member, path, name_of) for member in archive.names}
        wanted = set(names)
        members = [member for member, name in name_by_member.items() if name in wanted]
        password = password_of(path) if archive.is_encrypted else None
        for member, data in archive.read(members, password):
            if len(data) > _MAX_BYTES:
                raise DataError(f"{path}: {member} is too large for a pose file.")
            rows[name_by_member[member]] = read_pose_txt(data, f"{path}: {member}", padding)
    found = [name for name in names if name in rows]
    keypoints = np.array([rows[name] for name in found]).reshape(-1, NUM_JOINTS, 2)
    check_people(keypoints, frame, path)
    return Annotations(found, keypoints, f"{frame[0]}x{frame[1] + 2 * padding} padded")


def _image_of(member: str, path: Path, name_of: NameOf) -> Name:
    if suffix(member) != ".txt":
        raise DataError(
            f"{path}: {shown(member)} is not a pose file (expected *.txt only). Download it again."
        )
    try:
        return name_of(member[: -len(".txt")] + ".jpg")
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
