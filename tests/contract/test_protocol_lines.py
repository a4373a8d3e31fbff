"""Every dialect of data set files, on literal lines of the notes about them (protocols.md, section 1).

Keypoints of real images are taken from the notes, where they are at hand: they are third parties' data.
"""

from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.formats import deepfashion, market1501
from dnaf.data.formats.lists import read_list
from dnaf.data.keypoints.annotations import read_annotations
from dnaf.data.keypoints.pose_files import read_pose_files, read_pose_txt
from dnaf.data.pairs import pairs
from tests.helpers.raw_folder import FIGURE, HEADER, SHARED_DATA, annotation_line, figure, read_table

NOTES = SHARED_DATA.parent / "protocols.md"
needs_notes = pytest.mark.skipif(not NOTES.is_file(), reason="the notes are not beside the project")

# What each test below is about, as the notes have it.
LITERAL = {
    "path": "img/WOMEN/Dresses/id_00000002/02_1_front.jpg",
    "name": "fashionWOMENDressesid0000000202_1front.jpg",
    "prefixed": "img_highres/WOMEN/Dresses/id_00000035/id_00000035_04_2_side.jpg",
    "multimodal": "WOMEN-Jackets_Coats-id_00001705-05_1_front.jpg",
    "siarohin": "fasionMENTeesTanksid0000774801_4full.jpg",
    "pair": "fashionMENTees_Tanksid0000730104_7additional.jpg,fashionMENTees_Tanksid0000730104_1front.jpg",
    "targets": (
        "img/MEN/Jackets_Vests/id_00000084/04_1_front.jpg,img/MEN/Jackets_Vests/id_00000084/04_4_full.jpg,"
        "img/MEN/Jackets_Vests/id_00000084/04_7_additional.jpg"
    ),
    "pose": "9.600000000000000000e+01 3.400000000000000000e+01",
    "no pose": "-1.000000000000000000e+00 -1.000000000000000000e+00",
    "market": "0265_c3s1_062642_05.jpg",
}


@needs_notes
@pytest.mark.parametrize("line", LITERAL.values(), ids=LITERAL)
def test_the_lines_are_those_of_the_notes(line: str) -> None:
    assert line in NOTES.read_text()


def test_a_path_of_the_archive_is_the_flat_name_of_the_lists_and_back() -> None:
    assert deepfashion.flat_name(LITERAL["path"]) == LITERAL["name"]
    assert deepfashion.image_path(LITERAL["name"]) == LITERAL["path"].removeprefix("img/")


def test_an_item_number_before_the_file_name_is_tolerated() -> None:
    assert deepfashion.flat_name(LITERAL["prefixed"]) == "fashionWOMENDressesid0000003504_2side.jpg"


@pytest.mark.parametrize(
    ("line", "message"), [("multimodal", "DeepFashion-MultiModal"), ("siarohin", "not a DeepFashion In-shop")]
)
def test_names_of_other_data_sets_are_refused_in_a_list(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "train.lst").write_text(f"{LITERAL['name']}\n{LITERAL[line]}\n")
    with pytest.raises(DataError, match=rf"train\.lst:2: .*{message}"):
        read_list(tmp_path / "train.lst", deepfashion.name_of)


@needs_notes
@pytest.mark.parametrize("separator", [":", ": "])
def test_annotation_lines_are_y_first_and_a_negative_x_is_not_missing(tmp_path: Path, separator: str) -> None:
    nobody = f"{LITERAL['name']}:{[-1] * 18}:{[-1] * 18}"
    people = [
        line for line in NOTES.read_text().split("\n") if line.startswith("fashionWOMENTees") and ":[" in line
    ]
    lines = "\n".join([HEADER, *people, nobody]) + "\n"
    (tmp_path / "a.csv").write_text(lines.replace(":", separator))
    found = read_table(tmp_path / "a.csv")
    assert found.frame == "256x176"
    assert found.keypoints[0, 0].tolist() == [88, 40]
    assert np.flatnonzero(np.isnan(found.keypoints[0, :, 0])).tolist() == [9, 10, 12, 13]
    assert found.keypoints[1, 3].tolist() == [-18, 74]
    assert np.isnan(found.keypoints[2]).all()


@pytest.mark.parametrize("index", ["", "0,"])
def test_a_csv_pair_has_its_source_first_with_or_without_an_index(tmp_path: Path, index: str) -> None:
    (tmp_path / "pairs.csv").write_text(f"{index and ','}from,to\n{index}{LITERAL['pair']}\n")
    source, target = LITERAL["pair"].split(",")
    assert pairs.read_pair_list(tmp_path / "pairs.csv", deepfashion.name_of) == [(source, target)]


def test_a_text_pair_has_its_target_first_and_all_its_sources(tmp_path: Path) -> None:
    (tmp_path / "train_pairs.txt").write_text(LITERAL["targets"] + "\n")
    target, *sources = (deepfashion.flat_name(path) for path in LITERAL["targets"].split(","))
    listed = pairs.read_pair_list(tmp_path / "train_pairs.txt", deepfashion.name_of)
    assert listed == [(source, target) for source in sources]
    assert target == "fashionMENJackets_Vestsid0000008404_1front.jpg"


def test_a_pose_file_of_900_bytes_is_x_first_in_the_padded_frame() -> None:
    content = f"{LITERAL['pose']}\n" * 18
    assert len(content) == 900  # numpy.savetxt's own format, 25 bytes a number
    assert read_pose_txt(content.encode(), "a.txt", 40).tolist() == [[56, 34]] * 18
    content = content.replace(LITERAL["pose"], LITERAL["no pose"], 1)
    assert np.flatnonzero(np.isnan(read_pose_txt(content.encode(), "a.txt", 40)[:, 0])).tolist() == [0]


def test_a_pose_tree_mirrors_the_image_tree(tmp_path: Path) -> None:
    path = tmp_path / LITERAL["path"].replace("img/", "pose/").replace(".jpg", ".txt")
    path.parent.mkdir(parents=True)
    padded = figure(missing=[3]) + np.array([40, 0])
    np.savetxt(path, np.where(np.isnan(padded), -1, padded))
    found = read_pose_files(tmp_path / "pose", [LITERAL["name"]], deepfashion.name_of, deepfashion.FRAME, 40)
    assert (found.names, found.frame) == ([LITERAL["name"]], "256x256 padded")
    np.testing.assert_array_equal(found.keypoints[0], figure(missing=[3]))


def test_a_market_name_is_person_camera_frame_detection(tmp_path: Path) -> None:
    name, small = LITERAL["market"], np.round(FIGURE / 2.75 + [0, 12])
    assert market1501.outfit(name) == "0265"
    (tmp_path / "a.csv").write_text("\n".join([HEADER, annotation_line(name, small)]) + "\n")
    found = read_annotations(tmp_path / "a.csv", market1501.name_of, market1501.FRAME)
    np.testing.assert_array_equal(found.keypoints[0], small)
    (tmp_path / "pairs.csv").write_text(f"from,to\n{name},{name.replace('c3', 'c2')}\n")
    listed = pairs.read_pair_list(tmp_path / "pairs.csv", market1501.name_of)
    assert listed == [(name, "0265_c2s1_062642_05.jpg")]
