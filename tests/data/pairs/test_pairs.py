from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.formats import deepfashion
from dnaf.data.formats.names import Name
from dnaf.data.pairs import pairs
from tests.helpers.raw_folder import figure, outfit_names

FIRST, SECOND = outfit_names(1, 1), outfit_names(2, 1)
HIP_MISSING = figure(missing=[11])


def rows(names: list[str], keypoints: list[np.ndarray], max_pairs: int | None = None) -> list[pairs.Pair]:
    table = pairs.select_pairs(names, np.stack(keypoints), deepfashion.outfit)
    return list(pairs.Rows(table if max_pairs is None else pairs.draw(table, max_pairs)))


def test_pairs_are_the_ordered_pairs_of_each_outfit_in_file_order() -> None:
    names = [FIRST[1], SECOND[0], FIRST[0], SECOND[2]]
    assert rows(names, [figure()] * 4) == [
        (FIRST[1], FIRST[0]),
        (FIRST[0], FIRST[1]),
        (SECOND[0], SECOND[2]),
        (SECOND[2], SECOND[0]),
    ]


@pytest.mark.parametrize("joint", [2, 5, 8, 11])
def test_an_image_without_a_shoulder_or_hip_is_left_out(joint: int) -> None:
    selected = rows(FIRST, [figure(), figure(missing=[joint]), figure()])
    assert selected == [(FIRST[0], FIRST[2]), (FIRST[2], FIRST[0])]


@pytest.mark.parametrize("joint", [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17])
def test_an_image_without_another_joint_is_kept(joint: int) -> None:
    assert len(rows(FIRST, [figure(missing=[joint])] * 3)) == 6


def test_colours_of_one_item_are_different_outfits() -> None:
    other = FIRST[1].replace("0000000101_", "0000000102_")
    assert rows([FIRST[0], other], [figure()] * 2) == []


def test_a_maximum_draws_a_fixed_sample_without_repetition() -> None:
    names = FIRST + SECOND
    every = rows(names, [figure()] * 6)
    drawn = rows(names, [figure()] * 6, max_pairs=5)
    assert len(set(drawn)) == 5
    assert set(drawn) < set(every)
    assert rows(names, [figure()] * 6, max_pairs=5) == drawn
    assert sorted(rows(names, [figure()] * 6, max_pairs=100)) == sorted(every)


def test_every_image_left_out_has_its_reason() -> None:
    names = [*FIRST, SECOND[0]]
    removed = pairs.removed_images(
        names, np.stack([figure(), HIP_MISSING, figure(), figure()]), deepfashion.outfit
    )
    assert removed == [(FIRST[1], pairs.OCCLUDED), (SECOND[0], pairs.ALONE)]


def test_a_text_list_names_the_target_first_and_then_all_sources(tmp_path: Path) -> None:
    folder = "img/WOMEN/Tees_Tanks/id_00000001"
    lines = [
        f"{folder}/01_1_front.jpg,{folder}/01_2_side.jpg,{folder}/01_3_back.jpg",
        f"{folder}/01_2_side.jpg,{folder}/01_1_front.jpg",
    ]
    (tmp_path / "test_pairs.txt").write_text("\n".join(lines) + "\n")
    assert pairs.read_pair_list(tmp_path / "test_pairs.txt", deepfashion.name_of) == [
        (FIRST[1], FIRST[0]),
        (FIRST[2], FIRST[0]),
        (FIRST[0], FIRST[1]),
    ]


@pytest.mark.parametrize("lines", ["from,to\n{0},{1}\n", ",from,to\n0,{0},{1}\n", "to,from\n{1},{0}\n"])
def test_a_csv_list_is_read_by_the_names_of_its_columns(tmp_path: Path, lines: str) -> None:
    (tmp_path / "pairs.csv").write_text(lines.format(*FIRST))
    assert pairs.read_pair_list(tmp_path / "pairs.csv", deepfashion.name_of) == [(FIRST[0], FIRST[1])]


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("a.txt", "{0}\n", "a.txt:1: not a pair"),
        ("a.txt", "{0},{1}\n\n{1},{0}\n", "a.txt:2: not a pair"),
        ("a.txt", "{0},{0}\n", "a.txt:1: .*paired with itself"),
        ("a.txt", "{0},{1},{1}\n", "a.txt:1: pair listed twice"),
        ("a.txt", "{0},{1}\n{0},{1}\n", "a.txt:2: pair listed twice .*line 1"),
        ("a.txt", "{0},img/x.jpg\n", "a.txt:1: 'img/x.jpg': not a DeepFashion"),
        ("a.csv", "", "a.csv:1: wrong header"),
        ("a.csv", "{0},{1}\n", "a.csv:1: wrong header"),
        ("a.csv", "from,to\n{0}\n", "a.csv:2: wrong number of columns .found 1, expected 2"),
        ("a.csv", "from,to\n{0},{1}\n{0},x.jpg\n", "a.csv:3: 'x.jpg': not a DeepFashion"),
    ],
)
def test_a_malformed_pair_list_is_refused_with_its_line(
    tmp_path: Path, name: str, lines: str, message: str
) -> None:
    (tmp_path / name).write_text(lines.format(*FIRST))
    with pytest.raises(DataError, match=message):
        pairs.read_pair_list(tmp_path / name, deepfashion.name_of)


def test_a_list_may_hold_the_selected_pairs_or_all_they_were_drawn_from() -> None:
    every = [("a", "b"), ("b", "a"), ("a", "c")]
    pairs.check_against_list(Path("list"), every[::-1], every[:2], every)
    pairs.check_against_list(Path("list"), every[:2], every[:2], every)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([("a", "b")], "found 1 pairs, expected 2; b to a is selected but not listed"),
        (
            [("a", "b"), ("b", "a"), ("a", "c")],
            "found 3 pairs, expected 2; a to c is listed but not selected",
        ),
        ([], "a to b is selected but not listed"),
    ],
)
def test_a_list_that_differs_is_refused_with_the_first_difference(
    listed: list[pairs.Pair], message: str
) -> None:
    every = [("a", "b"), ("b", "a")]
    with pytest.raises(DataError, match=message):
        pairs.check_against_list(Path("list"), listed, every, every)


def names(*stems: tuple[str, str]) -> list[tuple[Name, Name]]:
    return [(Name(f"{source}.jpg"), Name(f"{target}.jpg")) for source, target in stems]


def test_two_pairs_that_would_share_a_file_are_refused() -> None:
    assert pairs.pair_id("a", "b") == "a_2_b"
    pairs.require_unique_ids(names(("a", "b"), ("b", "a")), "list")
    with pytest.raises(DataError, match=r"list: two pairs have the same id .found a_2_b_2_c"):
        pairs.require_unique_ids(names(("b", "a"), ("a_2_b", "c"), ("a", "b_2_c")), "list")
    with pytest.raises(DataError, match="same id"):
        pairs.require_unique_ids(names(("a", "b"), ("A", "B")), "list")
