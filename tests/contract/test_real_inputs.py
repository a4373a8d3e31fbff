"""Photographs, OpenPose's and COCO's files as they are found in the world, where they are at hand.

They are third parties' files under free licences and not part of the project.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from dnaf.apply.input_reader import InputReader
from dnaf.core import config, images
from dnaf.core.config import Params
from dnaf.core.errors import DataError
from dnaf.core.shards import alone
from dnaf.data.detectors.load import MEDIAPIPE, load_detector
from dnaf.data.formats.names import Name
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints.keypoint_files import read_keypoint_files
from dnaf.data.keypoints.openpose_files import read_openpose
from dnaf.data.pairs.write import write_split
from dnaf.data.pose_maps.write import write_pose_maps
from dnaf.data.preview import preview
from dnaf.data.store import ImageStore
from dnaf.data.unpack import unpack
from dnaf.ui.actions import WITH_POSE, WITHOUT_POSE, Actions
from tests.helpers import processes
from tests.helpers.application_project import ApplicationProject
from tests.helpers.evaluation_project import EFFICIENTNET
from tests.helpers.raw_folder import ROOT, SHARED_DATA

REAL = SHARED_DATA / "real"
SIZE = (64, 48)

pytestmark = pytest.mark.skipif(
    not REAL.is_dir(),
    reason="the real inputs are not beside the project; they are third parties' data and not part of it",
)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose data set `photos` are the 84 photographs with their lists and OpenPose files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    shutil.copytree(REAL / "photos", "data/raw/photos")
    params = Params().model_dump()
    params["datasets"]["photos"] = {
        **params["datasets"]["demo"],
        **{"format": "custom", "height": SIZE[0], "width": SIZE[1], "max_test_pairs": 6},
    }
    params["dataset"] = "photos"
    with open("params.yaml", "w") as file:
        YAML().dump(params, file)
    return tmp_path


def test_the_photographs_are_unpacked_split_drawn_and_shown(photos: Path) -> None:
    raw, data = photos / "data/raw/photos", photos / "data"
    counts = unpack(
        raw,
        data / "images.zip",
        data / "prepared.zip",
        SIZE,
        FORMATS["custom"],
        lambda archive: None,
        alone(),
    )
    assert counts == {"num_images": 84, "num_ignored": 0}
    info = write_split(raw, data / "images.zip", data / "pairs", FORMATS["custom"], SIZE, 500)
    assert [info[split]["num_pairs"] for split in ("train", "test")] == [300, 120]
    assert [info[split]["num_kept"] for split in ("train", "test")] == [60, 24]
    assert write_pose_maps(data / "pairs", data / "pose.zip", "openpose", (256, 192), SIZE, alone()) == 168
    store = ImageStore(data / "pose.zip")
    assert all(store.image(name).any() for name in store.names)
    shown = preview(data / "pairs", data / "prepared.zip", 8)
    assert shown.std() > 20


@pytest.mark.slow
def test_the_photographs_are_trained_on_generated_and_evaluated(photos: Path) -> None:
    params = YAML(typ="safe").load(Path("params.yaml"))
    params["model"].update(base=None, channels=[8, 16], layers_per_block=1, head_dim=8)
    params["model"].update(style_encoder="test_convnext", style_encoder_weights=None)
    params["train"].update(init=None, steps=4, batch_size=2, checkpoint_every=2, sample_every=4, log_every=2)
    params["train"].update(validation_outfits=2)  # of ten people
    params["generate"].update(num_inference_steps=2, batch_size=2)
    with open("params.yaml", "w") as file:
        YAML().dump(params, file)
    shutil.copytree(ROOT / EFFICIENTNET, EFFICIENTNET)
    for stage in (
        *("unpack photos", "split photos", "render photos", "latents", "train", "generate"),
        *("reference photos cfld", "evaluate photos dnaf cfld"),
    ):
        finished = subprocess.run(
            [sys.executable, "-m", *f"stages.{stage}".split()],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, f"{stage}: {finished.stderr[-2000:]}"
    assert len(ImageStore(Path("data/results/dnaf/generated.zip")).names) == 6
    assert json.loads(Path("data/scores/cfld/dnaf.json").read_text())["num_pairs"] == 6


@pytest.mark.slow
def test_each_photograph_goes_through_a_table_of_commands_with_its_openpose_file(tmp_path: Path) -> None:
    project = ApplicationProject(tmp_path)
    photographs = sorted((REAL / "photos/images").rglob("*.jpg"))
    poses = [
        REAL / "photos/keypoints" / path.parent.name / f"{path.stem}_keypoints.json" for path in photographs
    ]
    rows = ["person,person_pose,pose,pose_size,out"]
    for index, (photograph, pose) in enumerate(zip(photographs, poses, strict=True)):
        wanted = (index + 1) % len(photographs)
        rows.append(f"{photograph},{pose},{poses[wanted]},{photographs[wanted]},out/{index}.png")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    command = ("stages.apply", "batch", "table.csv", "--fit-pose", "--preview", "sheet.png")
    ended = processes.run_command(project, *command)
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / "out").iterdir())) == len(photographs) == 84


@pytest.mark.slow
def test_each_photograph_goes_through_detector_and_page_or_is_told_to_show_nobody(tmp_path: Path) -> None:
    pytest.importorskip(
        "mediapipe", reason="mediapipe 0.10.14 is not installed: this Python has no wheel of it"
    )
    project = ApplicationProject(tmp_path)
    inputs = replace(project.inputs(), detector=load_detector(MEDIAPIPE))
    generate = config.load(config.Generate, tmp_path / "params.yaml")
    actions = Actions(project.painter(), inputs, project.names, generate)
    table = actions.pose(project.names[0])
    found = 0
    photographs = sorted((REAL / "photos/images").rglob("*.jpg"))
    for photograph in photographs:
        person, _, said = actions.source("", photograph.read_bytes(), None)
        found += person.has_pose
        assert said == (WITH_POSE if person.has_pose else WITHOUT_POSE)
        if person.has_pose:
            table = actions.upload_pose(photograph.read_bytes(), table)
            np.testing.assert_array_equal(inputs.person(str(photograph)).keypoints, person.keypoints)
        else:
            with pytest.raises(DataError, match=f"{photograph.name}: no person found"):
                inputs.person(str(photograph))
        image = actions.generate_image(person, table, 2, 1.0, [])[2][0].image
        assert image.shape == (*project.inputs().size, 3)
    assert found >= 0.9 * len(photographs)


def test_a_real_coco_file_is_read_for_the_image_that_is_there(tmp_path: Path) -> None:
    name = Name("000000000785.jpg")
    content = json.loads((REAL / "coco/test_coco.json").read_text())
    size = images.read_size((REAL / "coco" / name).read_bytes(), name)
    path = tmp_path / "keypoints.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"images\[1\]: '000000040083\.jpg': no such image"):
        read_keypoint_files(tmp_path, {name: size})
    content["images"] = [image for image in content["images"] if image["file_name"] == name]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] == 785]
    path.write_text(json.dumps(content))
    found = read_keypoint_files(tmp_path, {name: size})
    assert (~np.isnan(found.keypoints[0, :, 0])).sum() == 18  # all 17, and the neck between the shoulders
    shutil.copy(REAL / "failing/coco_person_without_keypoints.json", path)
    np.testing.assert_array_equal(read_keypoint_files(tmp_path, {name: size}).keypoints, found.keypoints)
    shutil.copy(REAL / "failing/coco_results_list.json", path)
    with pytest.raises(DataError, match="a list, as COCO results are"):
        read_keypoint_files(tmp_path, {name: size})


def test_real_openpose_files_are_read_or_named() -> None:
    joints, canvas = read_openpose((REAL / "openpose/editor_canvas_512x768.json").read_bytes(), "a.json")
    assert canvas == (512, 768)
    assert (~np.isnan(joints[:, 0])).sum() >= 10
    with pytest.raises(DataError, match="2 people"):
        read_openpose((REAL / "openpose/openpose_1.0_two_people.json").read_bytes(), "a.json")


def test_each_failing_pose_is_read_or_one_sentence(tmp_path: Path) -> None:
    inputs = InputReader((256, 176), data=tmp_path)
    photo = REAL / "photos/images/squats/0.jpg"
    own = json.loads((REAL / "photos/keypoints/squats/0_keypoints.json").read_text())
    expected = inputs.person(str(photo), REAL / "photos/keypoints/squats/0_keypoints.json").keypoints
    assert np.isfinite(expected[1]).all()
    for name, sentence in (
        ("normalised.json", "not pixels"),
        (
            "pixels_of_another_photo.json",
            "pixels of another image .found [0-8] of 18 joints inside 256x176",
        ),
    ):
        with pytest.raises(DataError, match=sentence):
            inputs.pose(str(REAL / "failing" / name))
    listed = REAL / "failing/comfyui_list_of_frames.json"
    assert (
        json.loads(listed.read_text())[0]["people"][0]["pose_keypoints_2d"][:6]
        == (own["people"][0]["pose_keypoints_2d"][:6])
    )
    with Image.open(photo) as image:
        size = f"{image.height}x{image.width}"
    np.testing.assert_allclose(inputs.pose(str(listed), size), expected)
    np.testing.assert_allclose(inputs.pose(str(listed), str(photo)), expected)
