import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dnaf.core import files
from dnaf.data.keypoints import keypoints
from tests.helpers.messages import error_of
from tests.helpers.raw_folder import ROOT, write_images, write_project


def run_split(project: Path, dataset: str = "demo") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stages.split", dataset],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def test_the_stage_writes_the_split_of_its_data_set(tmp_path: Path) -> None:
    write_project(tmp_path)
    finished = run_split(tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[1:] == [
        "test: 6 images, 5 pairs of 2 outfits; removed 1 images",
        "outfits in both splits: 0; test items that are trained on in another colour: 0 of 2 (0 test images)",
        "14 training and 5 test pairs → data/pairs",
    ]
    info = files.require_complete(tmp_path / "data/pairs")
    assert (info["train"]["num_pairs"], info["test"]["num_pairs"]) == (14, 5)
    assert len(keypoints.read_keypoints(tmp_path / "data/pairs/keypoints.csv")[0]) == 13


def damage_annotation(project: Path, train: list[str], test: list[str]) -> None:
    path = project / "data/raw/demo/fasion-resize-annotation-train.csv"
    path.write_text(path.read_text().replace("]:[", "]:[0, ", 1))


def unlist_image(project: Path, train: list[str], test: list[str]) -> None:
    write_images(project, train, test[:-1])


def leak_outfit(project: Path, train: list[str], test: list[str]) -> None:
    leaked = train[0].replace("1front", "4full")
    write_images(project, train, [*test, leaked])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            damage_annotation,
            "fasion-resize-annotation-train.csv:2: wrong number of joints (found 19, expected 18)",
        ),
        (
            unlist_image,
            "annotated image fashionWOMENTees_Tanksid0000010101_3back.jpg is not an image of the test split",
        ),
        (
            leak_outfit,
            "outfit of the test image fashionWOMENTees_Tanksid0000000101_4full.jpg is in the training",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2_and_leaves_nothing(
    tmp_path: Path, damage: Callable[[Path, list[str], list[str]], None], message: str
) -> None:
    damage(tmp_path, *write_project(tmp_path))
    finished = run_split(tmp_path)
    assert finished.returncode == 2
    assert message in error_of(finished.stderr)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"raw", "images.zip"}


def test_an_unknown_data_set_is_one_sentence(tmp_path: Path) -> None:
    write_project(tmp_path)
    finished = run_split(tmp_path, "demmo")
    assert finished.returncode == 2
    assert error_of(finished.stderr) == (
        "error: params.yaml: datasets.demmo: unknown data set "
        "(expected one of: demo, deepfashion, market1501)."
    )
