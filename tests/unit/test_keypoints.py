import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from dnaf.data import keypoints
from dnaf.errors import DataError, StateError
from tests.raw_folder import FIGURE, HEADER, annotation_line, figure, outfit_names, write_annotations

NAMES = outfit_names(1, 1)
NAME = NAMES[0]


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "annotation.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_annotations_are_read_in_file_order_with_x_first(tmp_path: Path) -> None:
    write_annotations(tmp_path / "a.csv", NAMES, [figure(), figure(missing=[0, 4]), figure()])
    found = keypoints.read_annotations(tmp_path / "a.csv")
    assert found.names == NAMES
    assert found.frame == "256x176"
    np.testing.assert_array_equal(found.keypoints[1], figure(missing=[0, 4]))
    assert found.keypoints.dtype == np.float64


def test_a_negative_coordinate_is_not_missing(tmp_path: Path) -> None:
    points = figure()
    points[3] = -18, 74
    points[4] = 205, 300
    found = keypoints.read_annotations(written(tmp_path, HEADER, annotation_line(NAME, points)))
    np.testing.assert_array_equal(found.keypoints[0], points)


def test_one_coordinate_of_minus_one_makes_the_joint_missing(tmp_path: Path) -> None:
    points = figure()
    points[3] = -1, 74
    found = keypoints.read_annotations(written(tmp_path, HEADER, annotation_line(NAME, points)))
    np.testing.assert_array_equal(found.keypoints[0], figure(missing=[3]))


def test_spaces_after_the_colons_are_accepted(tmp_path: Path) -> None:
    header = HEADER.replace(":", ": ")
    path = written(tmp_path, header, annotation_line(NAME, figure(), separator=": "))
    np.testing.assert_array_equal(keypoints.read_annotations(path).keypoints[0], FIGURE)


def test_the_padded_frame_is_recognised_and_converted(tmp_path: Path) -> None:
    padded = figure(missing=[0]) + np.array([40.0, 0.0])
    found = keypoints.read_annotations(written(tmp_path, HEADER, annotation_line(NAME, padded)))
    assert found.frame == "256x256 padded"
    np.testing.assert_array_equal(found.keypoints[0], figure(missing=[0]))


def line_with(y: object = None, x: object = None) -> str:
    fields = [json.dumps(FIGURE[:, 1].tolist()), json.dumps(FIGURE[:, 0].tolist())]
    given = [value if isinstance(value, str) else json.dumps(value) for value in (y, x)]
    return ":".join([NAME, *(new if new != "null" else old for old, new in zip(fields, given, strict=True))])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (" ", "wrong number of columns"),
        (NAME, "wrong number of columns"),
        (line_with() + ":[]", "wrong number of columns"),
        ("x" + line_with(), "not a DeepFashion In-shop name"),
        (line_with(y=[1] * 17), "wrong number of joints .found 17"),
        (line_with(x=[1] * 19), "wrong number of joints .found 19"),
        (line_with(y="NaN"), "not a list of numbers"),
        (line_with(y="[" + "NaN, " * 17 + "1]"), "not a list of numbers"),
        (line_with(y="[" + "Infinity, " * 17 + "1]"), "not a list of numbers"),
        (line_with(y="[1e999" + ", 1" * 17 + "]"), "not a coordinate"),
        (line_with(y=[10**12] * 18), "not a coordinate"),
        (line_with(y=[-(10**12)] * 18), "not a coordinate"),
        pytest.param(line_with(y=f"[{'9' * 5000}]"), "not a list of numbers", id="5,000 digits"),
        (line_with(y=["1"] * 18), "not a coordinate"),
        (line_with(y=[None] * 18), "not a coordinate"),
        (line_with(y=[True] * 18), "not a coordinate"),
        (line_with(y=[[1]] * 18), "not a coordinate"),
        pytest.param(line_with(y="[" * 100_000), "not a list of numbers", id="deeply nested"),
        (line_with(y="{}"), "not a list of numbers"),
        (line_with(y="one, two"), "not a list of numbers"),
        (annotation_line(NAME.replace("1front", "3back"), FIGURE), "annotated twice .line 2 too"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    first = annotation_line(NAME.replace("1front", "3back"), FIGURE)
    with pytest.raises(DataError, match=rf"annotation\.csv:3: .*{message}"):
        keypoints.read_annotations(written(tmp_path, HEADER, first, line))


@pytest.mark.parametrize("header", ["", annotation_line(NAME, FIGURE), "name:keypoints_x:keypoints_y"])
def test_a_file_without_the_right_header_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError, match=r"annotation\.csv:1: wrong header"):
        keypoints.read_annotations(written(tmp_path, header, annotation_line(NAME, FIGURE)))


def test_swapped_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="axes swapped"):
        keypoints.read_annotations(written(tmp_path, HEADER, annotation_line(NAME, FIGURE[:, ::-1])))


def test_coordinates_of_another_frame_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wrong frame"):
        keypoints.read_annotations(written(tmp_path, HEADER, annotation_line(NAME, FIGURE * 4)))


def pose_txt(points: np.ndarray) -> bytes:
    padded = np.where(np.isnan(points), -1, points + np.array([40.0, 0.0]))
    return "".join(f"{x:.18e} {y:.18e}\n" for x, y in padded).encode()


def test_a_pose_file_is_read_into_the_cropped_frame() -> None:
    points = keypoints.read_pose_txt(pose_txt(figure(missing=[1])), "01_1_front.txt")
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
        keypoints.read_pose_txt(data, "pose/01_1_front.txt")


def test_a_pose_archive_gives_the_images_it_has_in_the_order_asked(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "pose.zip", "w") as archive:
        for view, missing in (("1_front", [0]), ("3_back", [1])):
            member = f"pose/WOMEN/Tees_Tanks/id_00000001/01_{view}.txt"
            archive.writestr(member, pose_txt(figure(missing=missing)))
    found = keypoints.read_pose_archive(tmp_path / "pose.zip", NAMES[::-1])
    assert found.names == [NAMES[2], NAMES[0]]
    np.testing.assert_array_equal(found.keypoints[0], figure(missing=[1]))
    np.testing.assert_array_equal(found.keypoints[1], figure(missing=[0]))


def test_what_is_not_a_pose_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pose.zip"
    path.write_bytes(b"Rar!\x1a\x07\x01\x00")
    with pytest.raises(DataError, match=r"pose\.zip: not a readable zip archive"):
        keypoints.read_pose_archive(path, NAMES)
    with ZipFile(path, "w") as archive:
        archive.writestr("pose/readme.md", "hello")
    with pytest.raises(DataError, match=r"readme\.md is not a pose file"):
        keypoints.read_pose_archive(path, NAMES)
    with ZipFile(path, "w") as archive:
        archive.writestr("pose/WOMEN/Tees_Tanks/id_00000001/01_1_front.txt", b" " * 20_000)
    with pytest.raises(DataError, match="too large"):
        keypoints.read_pose_archive(path, NAMES)


def test_mirroring_exchanges_left_and_right_and_twice_is_nothing() -> None:
    points = figure(missing=[3])
    mirrored = keypoints.mirror(points, 176)
    np.testing.assert_array_equal(mirrored[0], [175 - points[0, 0], points[0, 1]])
    np.testing.assert_array_equal(mirrored[2], [175 - points[5, 0], points[5, 1]])
    assert np.isnan(mirrored[6]).all()
    assert not np.isnan(mirrored[3]).any()
    np.testing.assert_array_equal(keypoints.mirror(mirrored, 176), points)


def test_a_table_of_keypoints_reads_back_to_the_same_numbers(tmp_path: Path) -> None:
    points = np.stack([figure(missing=[2, 17]), figure() / 3, np.full((18, 2), np.nan)])
    points[0, 0] = -31, 1e-7
    keypoints.write_keypoints(tmp_path / "keypoints.csv", ["a", "b", "c"], points)
    stems, found = keypoints.read_keypoints(tmp_path / "keypoints.csv")
    assert stems == ["a", "b", "c"]
    np.testing.assert_array_equal(found, points)


@pytest.mark.parametrize("damage", ["remove", "shorten", "rename column", "text"])
def test_a_damaged_table_of_keypoints_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "keypoints.csv"
    keypoints.write_keypoints(path, ["a", "b"], np.stack([FIGURE, FIGURE]))
    text = path.read_text()
    path.write_text(
        {
            "remove": "",
            "shorten": text[:-10],
            "rename column": text.replace("x0", "z0"),
            "text": text.replace("88", "eighty-eight"),
        }[damage]
    )
    with pytest.raises(StateError, match=r"keypoints\.csv: .*Run stage split again"):
        keypoints.read_keypoints(path)
