"""The split of Market-1501 and of a custom data set, from files written as their makers write them."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnaf.core.errors import DataError
from dnaf.data.formats import market1501, published_counts
from dnaf.data.formats.names import stem
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints import keypoints
from dnaf.data.pairs import pairs
from dnaf.data.pairs.write import write_split
from dnaf.data.pose_maps.openpose import keypoints_to_pose_map
from dnaf.data.store import write_store
from tests.helpers import custom_folder
from tests.helpers.market_folder import JUNK, KEYPOINTS, TEST, TRAIN, write_annotations
from tests.helpers.raw_folder import FIGURE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()


def write_market(splits: dict[str, list[str]], left_out: Sequence[Sequence[str]] = ()) -> None:
    with write_store(Path("images.zip"), {"splits": splits, "left_out": left_out}) as store:
        for name in [*splits["train"], *splits["test"]]:
            store.add(name, name.encode())
    write_annotations(Path("raw"), splits)


def split_market(max_test_pairs: int = 100) -> dict[str, object]:
    return write_split(
        Path("raw"), Path("images.zip"), Path("pairs"), FORMATS["market1501"], (128, 64), max_test_pairs
    )


def test_market_pairs_are_all_of_a_person_and_test_pairs_are_drawn() -> None:
    write_market({"train": TRAIN, "test": TEST})
    Path("raw/market-pairs-train.csv").write_text(
        f"from,to\n{TRAIN[0]},{TRAIN[1]}\n{TRAIN[1]},{TRAIN[0]}\n{TRAIN[2]},{TRAIN[3]}\n{TRAIN[3]},{TRAIN[2]}\n"
    )
    info = split_market(max_test_pairs=5)
    assert info["frame"] == [128, 64]
    assert (info["num_shared_items"], info["train"]["num_pairs"], info["test"]["num_pairs"]) == (0, 4, 5)
    assert info["test"]["num_possible_pairs"] == 12
    assert info["train"]["num_removed"] == 0
    stems, points = keypoints.read_keypoints(Path("pairs/keypoints.csv"))
    assert len(stems) == 10
    np.testing.assert_array_equal(points[0], KEYPOINTS)
    assert set(pd.read_csv("pairs/test.csv", dtype=str)["outfit"]) == {"0001", "0003"}


def test_junk_has_a_row_in_the_table_of_what_is_left_out() -> None:
    left_out = [(JUNK[0], "train", market1501.JUNK), (JUNK[1], "test", market1501.JUNK)]
    write_market({"train": [*TRAIN, "0009_c1s1_000451_01.jpg"], "test": TEST}, left_out)
    info = split_market()
    assert pd.read_csv("pairs/removed.csv").to_numpy().tolist() == [
        ["0009_c1s1_000451_01", "train", pairs.ALONE],
        [stem(JUNK[0]), "train", market1501.JUNK],
        [stem(JUNK[1]), "test", market1501.JUNK],
    ]
    assert (info["train"]["num_removed"], info["test"]["num_removed"]) == (2, 1)


def test_a_person_in_both_splits_is_refused() -> None:
    write_market({"train": [*TRAIN, "0001_c1s1_000001_01.jpg"], "test": TEST})
    with pytest.raises(DataError, match=r"test image 0001_c2s1_000451_01\.jpg is in the training"):
        split_market()


def test_the_published_name_wants_the_published_numbers_of_pairs() -> None:
    names = [(f"{number:04d}_a.jpg", f"{number:04d}_b.jpg") for number in range(12_000)]
    published_counts.check_pairs("market1501", "test", names, Path("raw"))
    with pytest.raises(DataError, match=r"raw: .*found 11,999, expected at least 12,000"):
        published_counts.check_pairs("market1501", "test", names[1:], Path("raw"))
    with pytest.raises(DataError, match=r"raw: .*found 12,000, expected 263,632"):
        published_counts.check_pairs("market1501", "train", names, Path("raw"))


def test_a_pair_list_that_differs_is_refused() -> None:
    write_market({"train": TRAIN, "test": TEST})
    Path("raw/market-pairs-train.csv").write_text(f"from,to\n{TRAIN[0]},{TRAIN[1]}\n")
    with pytest.raises(DataError, match=r"market-pairs-train\.csv: differs"):
        split_market()


def write_custom() -> None:
    custom_folder.write_custom(Path("raw"))
    custom_folder.write_table(Path("raw"), custom_folder.keypoints())
    with write_store(Path("images.zip"), {}) as store:
        for name in custom_folder.SIZES:
            store.add(name, Path("raw/images", name).read_bytes())


def split_custom(max_test_pairs: int = 100) -> dict[str, object]:
    return write_split(
        Path("raw"), Path("images.zip"), Path("pairs"), FORMATS["custom"], (128, 88), max_test_pairs
    )


def test_custom_pairs_are_those_of_the_lists_and_keypoints_are_scaled_to_the_prepared_size() -> None:
    write_custom()
    info = split_custom()
    assert info["frame"] == [128, 88]
    test = pd.read_csv("pairs/test.csv")
    assert test.sort_values("source").to_numpy().tolist() == [
        ["ben/1", "ben/2", "ben/1"],
        ["ben/2", "ben/1", "ben/1"],
    ]
    stems, points = keypoints.read_keypoints(Path("pairs/keypoints.csv"))
    assert stems == ["anna/front", "anna/back", "ben/1", "ben/2"]
    np.testing.assert_allclose(points[0], FIGURE / 2)
    np.testing.assert_allclose(points[1], FIGURE / 2)  # the same pose in an image of twice the size
    np.testing.assert_allclose(points[3], FIGURE * [88 / 200, 1 / 2])
    assert keypoints_to_pose_map(points[0], (128, 88), (128, 88)).any()
    assert pairs.pair_id("ben/1", "ben/2") == "ben-1_2_ben-2"


def test_images_that_no_list_names_are_told() -> None:
    write_custom()
    with write_store(Path("images.zip"), {}) as store:
        for name in [*custom_folder.SIZES, "carl.png"]:
            store.add(name, Path("raw/images/ben/1.png").read_bytes())
    Path("raw/keypoints.csv").unlink()
    custom_folder.write_table(Path("raw"), dict.fromkeys(custom_folder.SIZES, FIGURE))
    split_custom()
    assert pd.read_csv("pairs/removed.csv").to_numpy().tolist() == [["carl", "neither", pairs.UNPAIRED]]


def write_openpose_of(people: dict[str, list[object]]) -> None:
    """Keypoints as OpenPose files; of the images named, other people than they show."""
    write_custom()
    Path("raw/keypoints.csv").unlink()
    custom_folder.write_openpose(Path("raw"), dict.fromkeys(custom_folder.SIZES, FIGURE))
    for name, persons in people.items():
        path = Path("raw/keypoints", f"{name.rpartition('.')[0]}_keypoints.json")
        path.write_text(json.dumps({"people": persons}))


def test_images_in_which_nobody_was_found_are_counted_and_their_pairs_left_out() -> None:
    write_openpose_of({"ben/1.png": []})
    with pytest.raises(
        DataError, match=r"no pair of people in test_pairs\.csv .found no joint in 1 of its 2"
    ):
        split_custom()
    Path("raw/test_pairs.csv").write_text("from,to\nben/1.png,ben/2.png\nben/2.png,carl.png\n")
    shutil.copy("raw/images/ben/1.png", "raw/images/carl.png")
    shutil.copy("raw/keypoints/ben/2_keypoints.json", "raw/keypoints/carl.json")
    with write_store(Path("images.zip"), {}) as store:
        for name in [*custom_folder.SIZES, "carl.png"]:
            store.add(name, Path("raw/images", name).read_bytes())
    info = split_custom()
    assert info["test"] == {
        **info["test"],  # type: ignore[dict-item]
        **{"num_pairs": 1, "num_pairs_without_joints": 1, "num_listed": 3, "num_kept": 2, "num_removed": 1},
    }
    assert pd.read_csv("pairs/test.csv")[["source", "target"]].to_numpy().tolist() == [["ben/2", "carl"]]
    assert pd.read_csv("pairs/removed.csv").to_numpy().tolist() == [["ben/1", "test", pairs.NOBODY]]
    assert "ben/1" not in keypoints.read_keypoints(Path("pairs/keypoints.csv"))[0]


def leak() -> None:
    Path("raw/test_pairs.csv").write_text("from,to\nben/1.png,ben/2.png\nanna/front.jpg,ben/1.png\n")


def unknown() -> None:
    Path("raw/test_pairs.csv").write_text("from,to\nben/1.png,ben/3.png\n")


def unannotated() -> None:
    points = custom_folder.keypoints()
    del points["ben/2.png"]
    custom_folder.write_table(Path("raw"), points)


def no_list() -> None:
    Path("raw/train_pairs.csv").unlink()


def empty_list() -> None:
    Path("raw/train_pairs.csv").write_text("from,to\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (leak, r"test_pairs\.csv: anna/front.jpg is in train_pairs\.csv too .found 1 shared images"),
        (unknown, r"test_pairs\.csv:2: 'ben/3.png': no such image"),
        (unannotated, r"keypoints\.csv: no keypoints of ben/2.png, which test_pairs\.csv names"),
        (no_list, r"train_pairs\.csv: missing"),
        (empty_list, r"train_pairs\.csv: no pairs"),
    ],
)
def test_contradictions_of_a_custom_data_set_are_refused(damage: object, message: str) -> None:
    write_custom()
    damage()  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        split_custom()
    assert not Path("pairs").exists()
