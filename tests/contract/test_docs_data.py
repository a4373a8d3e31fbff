"""The example of docs/data.md is read as it stands there."""

import re
import subprocess
import sys

import pandas as pd
import pytest
from ruamel.yaml import YAML

from dnaf.core import images
from dnaf.data.formats import custom
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints.keypoint_files import read_keypoint_files
from dnaf.data.pairs.write import write_split
from dnaf.data.store import ImageStore, write_store
from tests.helpers.custom_folder import SIZES, keypoints, write_custom
from tests.helpers.raw_folder import ROOT

TEXT = (ROOT / "docs/data.md").read_text()


@pytest.fixture
def raw(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("project") / "data/raw/mine"
    write_custom(folder)
    examples = re.findall(r"<!-- example: (\S+) -->\n```\n(.*?)```", TEXT, re.DOTALL)
    assert [name for name, _ in examples] == ["train_pairs.csv", "test_pairs.csv", "keypoints.csv"]
    for name, content in examples:
        (folder / name).write_text(content)
    return folder


def test_the_example_of_a_custom_data_set_is_split(raw) -> None:  # type: ignore[no-untyped-def]
    read = read_keypoint_files(raw, SIZES)
    expected = keypoints()
    assert (read.keypoints[2][7] != read.keypoints[2][7]).all()  # NaN: ben's left wrist is not seen
    assert read.keypoints[3].tolist() == expected["ben/2.png"].tolist()
    with write_store(raw.parents[1] / "images.zip", {}) as store:
        for name in SIZES:
            store.add(name, (raw / custom.IMAGES / name).read_bytes())
    folder = raw.parents[1] / "pairs"
    info = write_split(raw, raw.parents[1] / "images.zip", folder, FORMATS["custom"], (256, 176), 1000)
    assert (info["train"]["num_pairs"], info["test"]["num_pairs"]) == (2, 1)
    assert pd.read_csv(folder / "test.csv")["target"].tolist() == ["ben/2"]


def test_the_commands_of_the_document_bring_the_example_to_pose_maps_and_a_preview(raw) -> None:  # type: ignore[no-untyped-def]
    project = raw.parents[2]
    params = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    (block,) = (text for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "mine:" in text)
    params["datasets"] |= YAML(typ="safe").load(block)["datasets"]
    params["dataset"] = "mine"
    assert "Set `dataset: mine`, `model.base: null` and `train.init: null`" in TEXT
    params["model"]["base"] = params["train"]["init"] = None
    with open(project / "params.yaml", "w") as file:
        YAML(typ="safe").dump(params, file)
    for command in (["doctor"], ["unpack", "mine"], ["split", "mine"], ["render", "mine"], ["preview"]):
        assert command[0] in TEXT
        finished = subprocess.run(
            [sys.executable, "-m", f"stages.{command[0]}", *command[1:]],
            cwd=project,
            env={"PYTHONPATH": str(ROOT), "PATH": "", "DNAF_SCRATCH": str(project / "scratch")},
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
    pose_maps = ImageStore(project / "data/pose_maps.zip")
    assert len(pose_maps) == 2 * len(SIZES)
    assert pose_maps.image("anna/back.png").shape == (256, 176, 3)
    assert images.read(project / "data/preview.png").any()


def test_the_params_of_the_document_are_those_of_a_data_set() -> None:
    blocks = [YAML(typ="safe").load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
    known = YAML(typ="safe").load((ROOT / "params.yaml").read_text())["datasets"]["demo"]
    assert len(blocks) == 2
    for block in blocks:
        for values in block["datasets"].values():
            assert values.keys() == known.keys()
            assert values["format"] in FORMATS


def test_files_that_the_document_names_are_those_the_program_looks_for() -> None:
    for format_name in ("deepfashion", "market1501"):
        readme = (ROOT / f"data/raw/{format_name}/README.md").read_text()
        for names in FORMATS[format_name].containers:
            assert all(name in readme for name in names)
        naming = FORMATS[format_name].naming
        assert naming is not None
        for pattern in (*naming.annotations[:1], *naming.pair_lists[:2], *naming.pose_files[:1]):
            assert pattern.format("train") in readme
