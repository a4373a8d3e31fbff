"""The real lists of DeepFashion In-shop, where they are at hand: our rules give the published facts."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.data.formats import deepfashion, published_counts
from dnaf.data.formats.lists import read_list
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints.keypoints import Annotations
from dnaf.data.pairs import pairs
from dnaf.data.pairs.write import write_split
from dnaf.data.store import write_store
from tests.helpers.raw_folder import SHARED_DATA, figure, read_table, write_annotations

pytestmark = pytest.mark.skipif(
    not SHARED_DATA.is_dir(),
    reason="the real lists are not beside the project; they are third parties' data and not in it",
)

PUBLISHED = SHARED_DATA / "fasion-resize-pairs-test.csv"


@pytest.fixture(scope="module")
def listed_train() -> list[str]:
    return read_list(SHARED_DATA / "train.lst", deepfashion.name_of)


@pytest.fixture(scope="module")
def listed_test() -> list[str]:
    return read_list(SHARED_DATA / "test.lst", deepfashion.name_of)


@pytest.fixture(scope="module")
def annotations() -> Annotations:
    return read_table(SHARED_DATA / "fasion-resize-annotation-test.csv")


@pytest.fixture(scope="module")
def selected(annotations: Annotations) -> pd.DataFrame:
    return pairs.draw(
        pairs.select_pairs(annotations.names, annotations.keypoints, deepfashion.outfit), 12_000
    )


def test_the_files_are_those_the_facts_were_measured_on() -> None:
    annotation = "fasion-resize-annotation-test.csv"
    expected = {
        "train.lst": "50f41143dc61c730935a4f97c02bf4c221b030e72af1dcfd6838949227f361d8",
        "test.lst": "336650cb7febac6ea0456b9b8c85e1759454fb96bfe14f95243738a81008febf",
        annotation: "9590e7dff992c01cfdcc16dab268e18c4f84424730f0fc2a6d07150c6551f399",
    }
    assert {name: files.digest(SHARED_DATA / name) for name in expected} == expected


def test_the_lists_hold_52_712_images_and_all_names_map_to_paths_and_back(
    listed_train: list[str], listed_test: list[str]
) -> None:
    assert (len(listed_train), len(listed_test)) == (48_674, 4_038)
    paths = [deepfashion.image_path(name) for name in listed_train + listed_test]
    assert len(set(paths)) == 52_712
    assert [deepfashion.flat_name(f"img/{path}") for path in paths] == listed_train + listed_test


def test_outfits_do_not_overlap_but_503_of_930_test_items_do(
    listed_train: list[str], listed_test: list[str]
) -> None:
    train_outfits, test_outfits = (
        {deepfashion.outfit(name) for name in split} for split in (listed_train, listed_test)
    )
    assert (len(train_outfits), len(test_outfits)) == (12_029, 1_000)
    assert not train_outfits & test_outfits
    train_items, test_items = (
        {deepfashion.item(name) for name in split} for split in (listed_train, listed_test)
    )
    assert len(test_items) == 930
    assert len(train_items & test_items) == 503
    assert sum(deepfashion.item(name) in train_items for name in listed_test) == 2_266


def test_the_annotation_is_read_as_measured(annotations: Annotations, listed_test: list[str]) -> None:
    assert annotations.frame == "256x176"
    assert set(annotations.names) == set(listed_test)
    x = annotations.keypoints[..., 0]
    assert (np.isnan(x).all(axis=1)).sum() == 619
    assert (x < 0).sum() == 11
    assert (x > 175).sum() == 8


def test_the_published_8_570_pairs_are_reproduced_byte_for_byte(selected: pd.DataFrame) -> None:
    text = (
        selected[["source", "target"]]
        .set_axis(["from", "to"], axis=1)
        .to_csv(index=False, lineterminator="\n")
    )
    found = hashlib.sha256(text.encode()).hexdigest()
    assert found == "3da031d5b376d544a1cc6e24f2618d9909e8d3bd4f9f44d7f355c9e02be644ba"
    assert text.encode() == PUBLISHED.read_bytes()


def test_the_pairs_are_8_570_over_3_144_images_in_876_outfits(
    annotations: Annotations, selected: pd.DataFrame
) -> None:
    assert len(selected) == 8_570
    assert selected["target"].nunique() == 3_144
    sizes = selected.groupby(selected["source"].map(deepfashion.outfit))["source"].nunique()
    assert sizes.value_counts().to_dict() == {2: 68, 3: 265, 4: 502, 5: 41}
    reasons = [
        reason
        for _, reason in pairs.removed_images(annotations.names, annotations.keypoints, deepfashion.outfit)
    ]
    assert (reasons.count(pairs.OCCLUDED), reasons.count(pairs.ALONE)) == (774, 120)


def test_the_published_list_agrees_and_all_its_ids_are_unique(selected: pd.DataFrame) -> None:
    listed = pairs.read_pair_list(PUBLISHED, deepfashion.name_of)
    rows = list(zip(selected["source"], selected["target"], strict=True))
    assert listed == rows
    pairs.require_unique_ids(rows, PUBLISHED)


def test_the_real_lists_and_pairs_are_those_the_program_expects(
    listed_train: list[str], listed_test: list[str], selected: pd.DataFrame
) -> None:
    published_counts.check_images("deepfashion", "train", listed_train, SHARED_DATA)
    published_counts.check_images("deepfashion", "test", listed_test, SHARED_DATA)
    published_counts.check_pairs("deepfashion", "test", pairs.Rows(selected), SHARED_DATA)
    with pytest.raises(DataError, match="found 4,037, expected 4,038"):
        published_counts.check_images("deepfashion", "test", listed_test[1:], SHARED_DATA)
    other = [*listed_test[1:], listed_train[0]]
    with pytest.raises(DataError, match="found 4,038 with sha256"):
        published_counts.check_images("deepfashion", "test", other, SHARED_DATA)
    with pytest.raises(DataError, match="found 8,570 with sha256"):
        published_counts.check_pairs(
            "deepfashion", "test", [*list(pairs.Rows(selected))[1:], ("a", "b")], SHARED_DATA
        )


def test_the_stage_makes_the_published_pairs_and_agrees_with_all_published_lists(
    listed_train: list[str], listed_test: list[str], selected: pd.DataFrame, tmp_path: Path
) -> None:
    raw, images = tmp_path / "raw", tmp_path / "images.zip"
    raw.mkdir()
    with write_store(images, {"splits": {"train": listed_train, "test": listed_test}, "left_out": []}):
        pass  # the stage reads no pixels
    for name in ("fasion-resize-annotation-test.csv", PUBLISHED.name):
        shutil.copy(SHARED_DATA / name, raw)
    outfit = [name for name in listed_train if name.startswith(deepfashion.outfit(listed_train[0]))]
    write_annotations(raw / "fasion-resize-annotation-train.csv", outfit, [figure()] * len(outfit))
    target_first = [
        f"img/{deepfashion.image_path(target)},img/{deepfashion.image_path(source)}"
        for source, target in pairs.Rows(selected)
    ]
    (raw / "test_pairs.txt").write_text("\n".join(target_first) + "\n")

    info = write_split(
        raw, images, tmp_path / "pairs", FORMATS["deepfashion"], (256, 176), max_test_pairs=12_000
    )
    assert (info["num_shared_items"], info["num_test_items"]) == (503, 930)
    assert info["num_test_images_of_shared_items"] == 2_266
    assert (info["train"]["num_listed"], info["test"]["num_listed"]) == (48_674, 4_038)
    assert (info["test"]["num_pairs"], info["test"]["num_kept"]) == (8_570, 3_144)
    assert set(info["test"]["pair_lists"]) == {PUBLISHED.name, "test_pairs.txt"}
    found = pd.read_csv(tmp_path / "pairs/test.csv")
    assert list(pairs.Rows(found[["source", "target"]] + ".jpg")) == list(pairs.Rows(selected))

    swapped = [",".join(reversed(line.split(","))) for line in target_first]
    (raw / "test_pairs.txt").write_text("\n".join(swapped[1:]) + "\n")
    with pytest.raises(DataError, match=r"test_pairs\.txt: differs .*found 8,569 pairs, expected 8,570"):
        write_split(raw, images, tmp_path / "pairs", FORMATS["deepfashion"], (256, 176), 12_000)


def test_one_leaked_image_of_the_real_lists_is_found(
    listed_train: list[str], listed_test: list[str], tmp_path: Path
) -> None:
    leaked = listed_test[0].replace("_" + listed_test[0].rpartition("_")[2], "_9other.jpg")
    with write_store(
        tmp_path / "images.zip",
        {"splits": {"train": [*listed_train, leaked], "test": listed_test}, "left_out": []},
    ):
        pass
    with pytest.raises(DataError, match=r"is in the training split too .found 1 shared outfits, expected 0"):
        write_split(
            tmp_path, tmp_path / "images.zip", tmp_path / "pairs", FORMATS["deepfashion"], (256, 176), 12_000
        )
