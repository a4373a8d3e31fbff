"""A kit for another generator: all it needs of the test pairs, and nothing of the ground truths."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import files, images
from dnaf.core.errors import StateError
from dnaf.core.shards import alone
from dnaf.data.keypoints.keypoints import read_keypoints
from dnaf.data.pose_maps.write import write_pose_maps
from dnaf.data.store import ImageStore
from stages import check_results, export
from tests.helpers.evaluation_project import EvaluationProject, near, random_image
from tests.helpers.messages import error_of

KIT = Path("data/kit")
CANVAS = (256, 176)  # of params.yaml


@pytest.fixture
def project(evaluation_project: EvaluationProject) -> EvaluationProject:
    evaluation_project.add_keypoints()
    return evaluation_project


def rows() -> list[dict[str, str]]:
    with (KIT / "pairs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_kit_has_each_pairs_source_and_its_targets_poses(project: EvaluationProject) -> None:
    said = export.main()
    assert said == "6 test pairs of demo → data/kit; open data/kit/README.md, then pairs.csv"
    assert [(row["source"], row["target"]) for row in rows()] == project.pairs
    prepared = ImageStore(Path("data/prepared.zip"))
    for row in rows():
        assert (KIT / row["source_image"]).read_bytes() == prepared.read(f"{row['source']}.png")
    stems, points = read_keypoints(KIT / "keypoints.csv")
    assert stems == sorted(project.stems)
    assert np.array_equal(points[0], project.keypoints)
    assert files.require_complete(KIT)["pairs_sha256"] == project.test.sha256


@pytest.mark.parametrize("renderer", ["openpose", "nted", "cfld", "heatmaps"])
def test_poses_are_those_of_stage_render(project: EvaluationProject, renderer: str) -> None:
    export.main()
    write_pose_maps(Path("data/pairs"), Path("data/maps.zip"), renderer, CANVAS, (64, 48), alone())
    maps = ImageStore(Path("data/maps.zip"))
    for row in rows():
        assert (KIT / row[renderer]).read_bytes() == maps.read(f"{row['target']}.png")
    told = json.loads((KIT / "kit.json").read_text())
    assert told["pose_channels"][renderer] == maps.info["channels"]
    assert (told["height"], told["width"], told["keypoints_frame"]) == (64, 48, [64, 48])


def test_no_ground_truth_is_in_a_kit_that_is_no_source(project: EvaluationProject) -> None:
    project.keep_pairs(1)
    project.add_keypoints()
    export.main()
    ((source, target),) = project.pairs
    assert [path.stem for path in KIT.glob("sources/*")] == [source]
    truth = ImageStore(Path("data/prepared.zip")).read(f"{target}.png")
    assert truth not in [path.read_bytes() for path in KIT.rglob("*") if path.is_file()]


def test_results_named_as_the_kit_says_are_complete(project: EvaluationProject) -> None:
    export.main()
    for row in rows():
        image = near(random_image(row["target"]), row["result"])
        path = Path("data/results/mine/images") / row["result"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(images.encode_png(image))
    assert "complete, 6 of 6 pairs" in check_results.main(Path("data/results/mine"))


@pytest.mark.parametrize(
    ("dataset", "terms"),
    [
        ("demo", "under its licence, Apache-2.0"),
        ("deepfashion", "not to be passed on"),
        ("market1501", "not to be passed on"),
        ("mine", "terms are not known here"),
    ],
)
def test_the_readme_says_whether_the_kit_may_be_passed_on(
    project: EvaluationProject, dataset: str, terms: str
) -> None:
    size = {"format": "deepfashion", "height": 64, "width": 48, "max_test_pairs": 6}
    project.set_params(datasets={dataset: size})
    export.main(dataset)
    text = (KIT / "README.md").read_text()
    assert terms in text.partition("## Terms")[2].partition("## Files")[0]
    assert "`<source>_2_<target>.png`" in text
    assert "PNGs of 64 x 48 pixels (height x width)" in text


def test_a_folder_that_holds_something_is_left_alone(project: EvaluationProject) -> None:
    Path("home").mkdir()
    Path("home/letter.txt").write_text("mine")
    with pytest.raises(StateError, match=r"^home: not an empty folder\."):
        export.main(out=Path("home"))
    assert [path.name for path in Path("home").iterdir()] == ["letter.txt"]


def test_a_source_that_is_missing_leaves_no_kit(project: EvaluationProject) -> None:
    shutil.copy("data/pose_maps.zip", "data/prepared.zip")
    Path("data/prepared.zip").write_bytes(Path("data/prepared.zip").read_bytes()[:-50])
    ended = subprocess.run([sys.executable, "-m", "stages.export"], capture_output=True, text=True)
    assert ended.returncode == 2
    assert error_of(ended.stderr).startswith("error: data/prepared.zip: not a complete image store")
    assert not KIT.exists()
