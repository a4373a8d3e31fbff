import json
from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.formats import market1501
from dnaf.data.keypoints.annotations import read_annotations
from tests.helpers.raw_folder import (
    FIGURE,
    HEADER,
    annotation_line,
    figure,
    outfit_names,
    read_table,
    write_annotations,
)

NAMES = outfit_names(1, 1)
NAME = NAMES[0]


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "annotation.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_annotations_are_read_in_file_order_with_x_first(tmp_path: Path) -> None:
    write_annotations(tmp_path / "a.csv", NAMES, [figure(), figure(missing=[0, 4]), figure()])
    found = read_table(tmp_path / "a.csv")
    assert found.names == NAMES
    assert found.frame == "256x176"
    np.testing.assert_array_equal(found.keypoints[1], figure(missing=[0, 4]))
    assert found.keypoints.dtype == np.float64


def test_a_negative_coordinate_is_not_missing(tmp_path: Path) -> None:
    points = figure()
    points[3] = -18, 74
    points[4] = 205, 300
    found = read_table(written(tmp_path, HEADER, annotation_line(NAME, points)))
    np.testing.assert_array_equal(found.keypoints[0], points)


def test_one_coordinate_of_minus_one_makes_the_joint_missing(tmp_path: Path) -> None:
    points = figure()
    points[3] = -1, 74
    found = read_table(written(tmp_path, HEADER, annotation_line(NAME, points)))
    np.testing.assert_array_equal(found.keypoints[0], figure(missing=[3]))


def test_spaces_after_the_colons_are_accepted(tmp_path: Path) -> None:
    header = HEADER.replace(":", ": ")
    path = written(tmp_path, header, annotation_line(NAME, figure(), separator=": "))
    np.testing.assert_array_equal(read_table(path).keypoints[0], FIGURE)


def test_the_padded_frame_is_recognised_and_converted(tmp_path: Path) -> None:
    padded = figure(missing=[0]) + np.array([40.0, 0.0])
    found = read_table(written(tmp_path, HEADER, annotation_line(NAME, padded)))
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
        read_table(written(tmp_path, HEADER, first, line))


@pytest.mark.parametrize("header", ["", annotation_line(NAME, FIGURE), "name:keypoints_x:keypoints_y"])
def test_a_file_without_the_right_header_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError, match=r"annotation\.csv:1: wrong header"):
        read_table(written(tmp_path, header, annotation_line(NAME, FIGURE)))


def test_swapped_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="axes swapped"):
        read_table(written(tmp_path, HEADER, annotation_line(NAME, FIGURE[:, ::-1])))


def test_missing_joints_written_as_zero_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"annotation\.csv: missing joints written as 0, 0 .found 2 of 18"):
        read_table(written(tmp_path, HEADER, annotation_line(NAME, np.nan_to_num(figure(missing=[4, 9])))))


def test_coordinates_of_another_frame_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wrong frame"):
        read_table(written(tmp_path, HEADER, annotation_line(NAME, FIGURE * 4)))


def test_market_annotations_are_read_in_their_own_frame(tmp_path: Path) -> None:
    name, small = "0002_c1s1_000451_03.jpg", np.round(FIGURE / 2.75 + np.array([0, 12.0]))
    path = written(tmp_path, HEADER, annotation_line(name, small))
    found = read_annotations(path, market1501.name_of, market1501.FRAME)
    assert (found.names, found.frame) == ([name], "128x64")
    np.testing.assert_array_equal(found.keypoints[0], small)
