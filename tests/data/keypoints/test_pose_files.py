from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.data.formats import deepfashion
from dnaf.data.keypoints.keypoints import Annotations
from dnaf.data.keypoints.pose_files import read_pose_files, read_pose_txt
from tests.helpers.raw_folder import figure, outfit_names

NAMES = outfit_names(1, 1)


def read_files(path: Path, names: Sequence[str]) -> Annotations:
    return read_pose_files(path, names, deepfashion.name_of, deepfashion.FRAME, 40)


def pose_txt(points: np.ndarray) -> bytes:
    padded = np.where(np.isnan(points), -1, points + np.array([40.0, 0.0]))
    return "".join(f"{x:.18e} {y:.18e}\n" for x, y in padded).encode()


def test_a_pose_file_is_read_into_the_cropped_frame() -> None:
    points = read_pose_txt(pose_txt(figure(missing=[1])), "01_1_front.txt", 40)
    np.testing.assert_array_equal(points, figure(missing=[1]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1 2\n" * 17,
        b"1 2\n" * 19,
        b"1 2 3\n" * 18,
        b"1 nan\n" * 18,
        b"1 inf\n" * 18,
        b"1 two\n" * 18,
        b"1 1e12\n" * 18,
        b"\xff\n" * 18,
    ],
)
def test_a_malformed_pose_file_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^pose/01_1_front\.txt: "):
        read_pose_txt(data, "pose/01_1_front.txt", 40)


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_an_encrypted_pose_archive_is_read_with_the_data_sets_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    members = {"pose/WOMEN/Tees_Tanks/id_00000001/01_1_front.TXT": pose_txt(figure())}
    write_encrypted_zip(tmp_path / "pose.zip", members, b"right", np.random.default_rng(0))
    monkeypatch.setenv("DNAF_ARCHIVE_PASSWORD", password)
    if password == "right":
        assert read_files(tmp_path / "pose.zip", NAMES).names == NAMES[:1]
    else:
        with pytest.raises(DataError, match=r"pose\.zip: wrong password"):
            read_files(tmp_path / "pose.zip", NAMES)


def test_shares_of_an_image_are_refused(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "pose.zip", "w") as archive:
        member = "pose/WOMEN/Tees_Tanks/id_00000001/01_1_front.txt"
        archive.writestr(member, pose_txt(figure() / [176, 256] - [40, 0]))
    with pytest.raises(DataError, match=r"pose\.zip: pose/WOMEN.*\.txt: not pixels"):
        read_files(tmp_path / "pose.zip", NAMES)


def test_a_pose_archive_gives_the_images_it_has_in_the_order_asked(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "pose.zip", "w") as archive:
        for view, missing in (("1_front", [0]), ("3_back", [1])):
            member = f"pose/WOMEN/Tees_Tanks/id_00000001/01_{view}.txt"
            archive.writestr(member, pose_txt(figure(missing=missing)))
    found = read_files(tmp_path / "pose.zip", NAMES[::-1])
    assert found.names == [NAMES[2], NAMES[0]]
    np.testing.assert_array_equal(found.keypoints[0], figure(missing=[1]))
    np.testing.assert_array_equal(found.keypoints[1], figure(missing=[0]))


def test_what_is_not_a_pose_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pose.zip"
    path.write_bytes(b"Rar!\x1a\x07\x01\x00")
    with pytest.raises(DataError, match=r"pose\.zip: "):
        read_files(path, NAMES)
    with ZipFile(path, "w") as archive:
        archive.writestr("pose/readme.md", "hello")
    with pytest.raises(DataError, match=r"readme\.md is not a pose file"):
        read_files(path, NAMES)
    with ZipFile(path, "w") as archive:
        archive.writestr("pose/WOMEN/Tees_Tanks/id_00000001/01_1_front.txt", b" " * 20_000)
    with pytest.raises(DataError, match="too large"):
        read_files(path, NAMES)
