import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import images
from dnaf.data.formats.deepfashion import FRAME
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints import keypoints
from dnaf.data.pairs.write import write_split
from dnaf.data.pose_maps.openpose import keypoints_to_pose_map
from dnaf.data.pose_maps.renderers import RENDERERS
from dnaf.data.pose_maps.storage import read_pose_map
from dnaf.data.store import ImageStore
from tests.helpers.messages import error_of
from tests.helpers.raw_folder import ROOT, write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project after stage split; its data set is 64x48, drawn on 256x176."""
    write_project(tmp_path)
    data = tmp_path / "data"
    data_format = FORMATS["deepfashion"]
    write_split(
        data / "raw/demo", data / "images.zip", data / "pairs", data_format, (64, 48), max_test_pairs=5
    )
    return tmp_path


def run_render(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stages.render", "demo"],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def test_every_image_gets_its_pose_map_and_that_of_its_mirror_image(project: Path) -> None:
    finished = run_render(project)
    assert finished.returncode == 0, finished.stderr
    stems, points = keypoints.read_keypoints(project / "data/pairs/keypoints.csv")
    store = ImageStore(project / "data/pose_maps.zip")
    assert set(store.names) == {f"{folder}{stem}.png" for stem in stems for folder in ("", "mirrored/")}
    for stem, joints in zip(stems, points, strict=True):
        for name, drawn in ((stem, joints), (f"mirrored/{stem}", keypoints.mirror(joints, FRAME[1]))):
            expected = images.resize(keypoints_to_pose_map(drawn, (256, 176), FRAME), (64, 48), "box")
            np.testing.assert_array_equal(store.image(f"{name}.png"), expected)


def test_a_data_set_of_the_canvas_size_is_not_resized(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(
        params.read_text().replace("height: 64", "height: 256").replace("width: 48", "width: 176")
    )
    assert run_render(project).returncode == 0
    stems, points = keypoints.read_keypoints(project / "data/pairs/keypoints.csv")
    found = ImageStore(project / "data/pose_maps.zip").image(f"{stems[0]}.png")
    np.testing.assert_array_equal(found, keypoints_to_pose_map(points[0], (256, 176), FRAME))


@pytest.mark.parametrize(("renderer", "channels"), [("nted", 20), ("cfld", 21), ("heatmaps", 18)])
def test_another_renderer_is_a_parameter(project: Path, renderer: str, channels: int) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("renderer: openpose", f"renderer: {renderer}"))
    finished = run_render(project)
    assert finished.returncode == 0, finished.stderr
    store = ImageStore(project / "data/pose_maps.zip")
    assert (store.info["renderer"], store.info["channels"]) == (renderer, channels)
    stems, points = keypoints.read_keypoints(project / "data/pairs/keypoints.csv")
    drawn = RENDERERS[renderer](points[0], (256, 176), FRAME)
    planes = [images.resize(drawn[..., channel], (64, 48), "box") for channel in range(channels)]
    np.testing.assert_array_equal(read_pose_map(store, f"{stems[0]}.png"), np.stack(planes, axis=2))


def test_the_same_keypoints_give_the_same_bytes(project: Path) -> None:
    store = project / "data/pose_maps.zip"
    assert run_render(project).returncode == 0
    first = store.read_bytes()
    assert run_render(project).returncode == 0
    assert store.read_bytes() == first


@pytest.mark.parametrize("damage", ["no manifest", "altered table"])
def test_an_incomplete_split_is_one_sentence_and_exit_code_2_and_leaves_nothing(
    project: Path, damage: str
) -> None:
    if damage == "no manifest":
        (project / "data/pairs/manifest.json").unlink()
    else:
        table = project / "data/pairs/keypoints.csv"
        table.write_text(table.read_text().replace("88", "89", 1))
    finished = run_render(project)
    assert finished.returncode == 2
    assert error_of(finished.stderr).startswith("error: data/pairs")
    assert {path.name for path in (project / "data").iterdir()} == {"raw", "images.zip", "pairs"}
