from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from dnaf.data.formats import market1501

NAME = "0265_c3s1_062642_05.jpg"


@pytest.mark.parametrize("text", [NAME, f"train/{NAME}", f"Market-1501-v15.09.15/bounding_box_train/{NAME}"])
def test_a_path_and_a_name_stand_for_the_same_image(text: str) -> None:
    assert market1501.name_of(text) == NAME


def test_the_person_is_the_grouping_key() -> None:
    assert market1501.outfit(NAME) == "0265"


@pytest.mark.parametrize(
    ("name", "junk"), [(NAME, False), ("-1_c1s1_000401_03.jpg", True), ("0000_c1s1_000151_01.jpg", True)]
)
def test_junk_and_distractors_are_known_by_their_names(name: str, junk: bool) -> None:
    assert market1501.is_junk(name) is junk


@pytest.mark.parametrize("name", ["", "x.jpg", NAME + "\n", NAME[1:], NAME.replace("jpg", "png")])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="not a Market-1501 name"):
        market1501.name_of(name)


def test_query_images_are_passed_over_and_junk_is_left_out_with_its_reason() -> None:
    root = "Market-1501-v15.09.15.zip/Market-1501-v15.09.15"
    paths = [
        f"{root}/bounding_box_train/{NAME}",
        f"{root}/bounding_box_train/-1_c1s1_000401_03.jpg",
        f"{root}/bounding_box_test/0001_c1s1_001051_00.jpg",
        f"{root}/bounding_box_test/Thumbs.db",
        f"{root}/query/0001_c1s1_001051_01.jpg",
        f"{root}/gt_bbox/0001_c1s1_001051_02.jpg",
    ]
    chosen = market1501.choose_images(Path("raw"), paths)
    assert chosen.splits == {"train": {NAME: paths[0]}, "test": {"0001_c1s1_001051_00.jpg": paths[2]}}
    assert chosen.left_out == [("-1_c1s1_000401_03.jpg", "train", market1501.JUNK)]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([f"train/{NAME}"], "no images of the test split"),
        ([f"train/{NAME}", f"a/train/{NAME}", "test/0001_c1s1_001051_00.jpg"], "one image twice"),
    ],
)
def test_missing_splits_and_images_found_twice_are_refused(paths: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        market1501.choose_images(Path("raw"), paths)
