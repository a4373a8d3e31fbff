from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from dnaf.core import files
from dnaf.core.errors import DataError, StateError
from dnaf.data.formats import deepfashion
from dnaf.data.formats.names import stem
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints import keypoints
from dnaf.data.pairs import pairs
from dnaf.data.pairs.write import write_split
from tests.helpers.raw_folder import (
    FIGURE,
    figure,
    outfit_names,
    write_annotations,
    write_images,
    write_project,
)

RAW, IMAGES, FOLDER = Path("data/raw/demo"), Path("data/images.zip"), Path("data/pairs")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str]]:
    """Names of the train and test images of a project that is the current directory."""
    monkeypatch.chdir(tmp_path)
    return write_project(tmp_path)


def run(max_test_pairs: int = 100) -> dict[str, Any]:
    return write_split(RAW, IMAGES, FOLDER, FORMATS["deepfashion"], (64, 48), max_test_pairs)


def stems(table: str, column: str) -> list[str]:
    return list(pd.read_csv(FOLDER / table)[column])


def test_tables_hold_the_pairs_and_every_image_once_with_its_reason(
    project: tuple[list[str], list[str]],
) -> None:
    train, test = project
    run()
    # 3 and 2 outfits of three views; the last image of each split misses a hip
    assert list(pd.read_csv(FOLDER / "train.csv").columns) == ["source", "target", "outfit"]
    assert len(stems("train.csv", "source")) == 6 + 6 + 2
    assert len(stems("test.csv", "source")) == 6 + 2
    assert stems("train_images.csv", "stem") == [stem(name) for name in train]
    removed = pd.read_csv(FOLDER / "removed.csv")
    assert removed.to_numpy().tolist() == [
        [stem(train[-1]), "train", pairs.OCCLUDED],
        [stem(test[-1]), "test", pairs.OCCLUDED],
    ]
    kept, points = keypoints.read_keypoints(FOLDER / "keypoints.csv")
    assert kept == [stem(name) for name in train[:-1] + test[:-1]]
    np.testing.assert_array_equal(points, np.stack([FIGURE] * len(kept)))


def test_the_manifest_tells_counts_and_is_complete(project: tuple[list[str], list[str]]) -> None:
    info = run(max_test_pairs=5)
    assert files.require_complete(FOLDER) == info
    assert info["num_shared_items"] == 0
    assert info["frame"] == [256, 176]
    expected = {"num_listed": 6, "num_pairs": 5, "num_kept": 5, "num_removed": 1, "frame_found": "256x176"}
    assert info["test"].items() >= expected.items()
    assert info["train"]["keypoints_sha256"] == files.digest(RAW / "fasion-resize-annotation-train.csv")


def test_test_pairs_are_drawn_and_keypoints_of_all_images_stay(project: tuple[list[str], list[str]]) -> None:
    run(max_test_pairs=2)
    assert len(stems("test.csv", "source")) == 2
    assert len(stems("keypoints.csv", "stem")) == 8 + 5


def test_the_same_input_gives_the_same_bytes(project: tuple[list[str], list[str]]) -> None:
    run()
    first = {path.name: files.digest(path) for path in FOLDER.iterdir()}
    run()
    assert {path.name: files.digest(path) for path in FOLDER.iterdir()} == first


def test_both_spellings_of_the_annotation_are_found(project: tuple[list[str], list[str]]) -> None:
    info = run()
    annotation = RAW / "fasion-resize-annotation-train.csv"
    annotation.rename(RAW / "fashion-resize-annotation-train.csv")
    assert run()["train"]["num_pairs"] == info["train"]["num_pairs"]


def test_an_item_in_another_colour_is_counted_not_refused(project: tuple[list[str], list[str]]) -> None:
    train, test = project
    other_colour = [name.replace("01_", "02_") for name in train[:3]]
    write_images(Path(), train, test + other_colour)
    info = run()
    assert (info["num_shared_items"], info["num_test_items"]) == (1, 3)
    assert info["num_test_images_of_shared_items"] == 3
    removed = pd.read_csv(FOLDER / "removed.csv")
    assert (removed["reason"] == pairs.NOT_ANNOTATED).sum() == 3


def test_a_pose_archive_serves_where_there_is_no_annotation(project: tuple[list[str], list[str]]) -> None:
    expected = run()
    table = (FOLDER / "keypoints.csv").read_bytes()
    for annotation in RAW.glob("*.csv"):
        annotation.unlink()
    train, test = project
    padded = FIGURE + np.array([40.0, 0.0])
    with ZipFile(RAW / "pose.zip", "w") as archive:
        for name in train[:-1] + test[:-1]:
            member = "pose/" + deepfashion.image_path(name).replace(".jpg", ".txt")
            archive.writestr(member, "".join(f"{x:.18e} {y:.18e}\n" for x, y in padded))
    info = run()
    assert info["test"]["num_pairs"] == expected["test"]["num_pairs"]
    assert info["test"]["frame_found"] == "256x256 padded"
    assert (FOLDER / "keypoints.csv").read_bytes() == table


def test_a_published_list_of_all_pairs_is_accepted(project: tuple[list[str], list[str]]) -> None:
    run()
    listed = pd.read_csv(FOLDER / "test.csv")[["source", "target"]] + ".jpg"
    paths = listed.map(deepfashion.image_path)
    lines = "img/" + paths["target"] + ",img/" + paths["source"]
    (RAW / "test_pairs.txt").write_text("\n".join(lines[::-1]) + "\n")
    assert run(max_test_pairs=3)["test"]["num_pairs"] == 3


def leak(train: list[str], test: list[str]) -> None:
    write_images(Path(), train, [*test, train[0].replace("1front", "4full")])


def annotate_an_unlisted_image(train: list[str], test: list[str]) -> None:
    names = [*train, outfit_names(50, 1)[0]]
    write_annotations(RAW / "fasion-resize-annotation-train.csv", names, [FIGURE] * len(names))


def break_a_line(train: list[str], test: list[str]) -> None:
    path = RAW / "fasion-resize-annotation-test.csv"
    path.write_text(path.read_text().replace("[40,", "[NaN,", 1))


def remove_annotation(train: list[str], test: list[str]) -> None:
    (RAW / "fasion-resize-annotation-test.csv").unlink()


def publish_other_pairs(train: list[str], test: list[str]) -> None:
    (RAW / "test_pairs.txt").write_text(
        f"img/{deepfashion.image_path(test[0])},img/{deepfashion.image_path(test[1])}\n"
    )


def occlude_all(train: list[str], test: list[str]) -> None:
    write_annotations(RAW / "fasion-resize-annotation-test.csv", test, [figure(missing=[5])] * len(test))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            leak,
            r"images\.zip: outfit of the test image \S+_4full\.jpg is in the training split too .found 1 sh",
        ),
        (
            annotate_an_unlisted_image,
            r"annotation-train\.csv: annotated image \S+ is not an image of the train split .1 of 10.",
        ),
        (break_a_line, r"annotation-test\.csv:2: not a list of numbers"),
        (remove_annotation, r"data/raw/demo: no keypoints of the test split .expected fasion-resize"),
        (publish_other_pairs, r"test_pairs\.txt: differs .*found 1 pairs, expected 8"),
        (occlude_all, r"annotation-test\.csv: no pairs in the test split"),
    ],
)
def test_contradictions_are_refused_and_leave_what_stood_there(
    project: tuple[list[str], list[str]], damage: Callable[[list[str], list[str]], None], message: str
) -> None:
    run()
    before = {path: path.read_bytes() for path in FOLDER.iterdir()}
    damage(*project)
    with pytest.raises(DataError, match=message) as caught:
        run()
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in FOLDER.iterdir()} == before
    assert {path.name for path in FOLDER.parent.iterdir()} == {"raw", "images.zip", "pairs"}


def test_an_incomplete_image_store_is_refused(project: tuple[list[str], list[str]]) -> None:
    IMAGES.write_bytes(IMAGES.read_bytes()[:-100])
    with pytest.raises(StateError, match=r"images\.zip: not a complete image store"):
        run()
    assert not FOLDER.exists()


def test_what_a_killed_run_left_is_removed(project: tuple[list[str], list[str]]) -> None:
    leftover = FOLDER.with_name(".dnaf-tmp-pairs")
    leftover.mkdir()
    (leftover / "half.csv").write_text("x")
    run()
    assert not leftover.exists()
    assert not (FOLDER / "half.csv").exists()
