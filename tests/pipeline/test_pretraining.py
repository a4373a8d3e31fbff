"""The whole pretraining runs from its one command, apart from the pipeline's own."""

from itertools import pairwise
from pathlib import Path

import pandas as pd

from dnaf.core import files
from dnaf.pretraining.exchange import IDENTICAL, SAME, WRONG
from tests.pipeline.conftest import copy_project

_TRAINING = {"steps": 2, "batch_size": 2, "lr_warmup_steps": 1, "log_every": 1, "checkpoint_every": 1}
MINIMAL = {
    "people.num_outfits": 3,
    "people.num_validation_outfits": 2,
    "people.height": 64,
    "people.width": 48,
    "autoencoder.channels": [8, 8],
    "unet.channels": [8, 16],
    "unet.head_dim": 8,
    "exchange.timesteps": [150, 800],
    "exchange.num_pairs": 3,
    "exchange.num_bootstrap": 10,
    **{
        f"{section}.{key}": value
        for section in ("autoencoder", "crops", "base")
        for key, value in _TRAINING.items()
    },
    **{f"adapter.{key}": value for key, value in _TRAINING.items() if key != "steps"},
    "adapter.rounds": [
        {"images": images, "steps": 2, "lr": 0.001, "order": order, "timestep_sampling": sampling}
        for order, (images, sampling) in enumerate(
            (("crops", "uniform"), *[("whole", "uniform")] * 2, ("whole", "cubic"), ("whole", "uniform"))
        )
    ],
}


def test_one_command_pretrains_and_a_second_one_has_nothing_to_do(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project", tmp_path / "scratch")
    project.set_params(MINIMAL, "pretraining/params.yaml")
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "--cd", "pretraining", "repro")
    for stage in ("crops", "base"):
        table = pd.read_csv(project.root / f"metrics/pretraining/exchange_{stage}.csv")
        assert set(table["timestep"]) == {150, 800}
        assert {IDENTICAL, SAME, WRONG} < set(table["style"])
    for variant in ("full", "b1", "b2"):
        rounds = [f"data/pretraining/adapter_{variant}/{number}/model" for number in range(1, 6)]
        for before, after in pairwise(rounds):
            assert files.require_complete(project.root / after)["init"]["folder"] == before
    published = files.require_complete(project.root / "data/adapter/people")
    assert published["init"]["folder"] == "data/pretraining/adapter_full/4/model"
    assert not list((tmp_path / "scratch").rglob("*.safetensors"))
    again = project.run("dvc", "--cd", "pretraining", "repro").stdout
    assert "Running stage" not in again
    changed = project.run("git", "status", "--short", "--untracked-files=all", "data").stdout
    assert "data/base" in changed
    assert "data/pretraining" not in changed  # large, and ignored by git


def test_the_pipelines_own_command_does_not_pretrain(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project", tmp_path / "scratch")
    project.run("git", "init", "-q", "-b", "main")
    listed = project.run("dvc", "stage", "list", "--name-only").stdout.split()
    assert "train" in listed
    assert "draw" not in listed
