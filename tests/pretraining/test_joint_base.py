"""A base model is a function of its recipe, loads frozen as any other, and the committed one is complete."""

import csv
from pathlib import Path

import pytest
import torch

from dnaf.core import config, files
from dnaf.model.build import build
from dnaf.pretraining.joint_base import Recipe, pretrain_base
from stages.pretrain_base import read_recipe
from tests.helpers import processes
from tests.helpers.training_project import ROOT, model_params, train_params

BASE = Path("data/base/demo")
_STEPS = 4
_LARGEST = 5_000_000  # bytes in git


def recipe(seed: int = 5) -> Recipe:
    return Recipe(
        seed,
        config.MakeDemo(num_train_outfits=3, num_test_outfits=1),
        config.Render(renderer="openpose", canvas_height=64, canvas_width=44),
        (32, 24),
        model_params(),
        train_params(steps=_STEPS, drop_pose=True, condition_dropout=0.5, checkpoint_every=1),
    )


def digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): files.digest(path) for path in folder.rglob("*") if path.is_file()}


def pretrain(folder: Path) -> None:
    pretrain_base(folder, recipe())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DNAF_SCRATCH", str(root / "scratch"))
        pretrain(root / "base")
    assert not [path for path in (root / "scratch").rglob("*") if path.is_file()]
    return root / "base"


def test_the_folder_holds_components_log_and_origin(written: Path) -> None:
    assert files.require_complete(written) == recipe().values()
    assert sorted(path.name for path in written.iterdir()) == [
        "README.md", "autoencoder", "loss.csv", "manifest.json", "prompt.safetensors", "scheduler",
        "style_encoder", "unet",
    ]  # fmt: skip
    with open(written / "loss.csv") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [1, 2, 3, 4]
    readme = (written / "README.md").read_text()
    assert "python -m stages.pretrain_base" in readme
    assert "of seed 5" in readme


def test_it_loads_frozen_as_any_base_does(written: Path) -> None:
    components = build(model_params(base=str(written)), seed=1, pose_channels=3)
    assert components.style_encoder is not None
    for component in (components.unet, components.style_encoder):
        assert not [name for name, weight in component.named_parameters() if weight.requires_grad]
    assert all(weight.requires_grad for weight in components.adapter.parameters())
    untrained = build(model_params(), seed=5, pose_channels=3)
    assert not torch.equal(components.unet.conv_in.weight, untrained.unet.conv_in.weight)
    assert torch.equal(components.adapter.prompt_embedding, untrained.adapter.prompt_embedding)


def test_killed_while_it_trains_and_started_again_it_gives_the_same_bytes(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    processes.kill_training(3, pretrain, tmp_path / "base")
    assert not (tmp_path / "base").exists()
    assert [path.name for path in tmp_path.glob("scratch/train/*/step-*")] != []
    pretrain(tmp_path / "base")
    assert digests(tmp_path / "base") == digests(written)


def test_the_committed_base_is_complete_small_and_of_the_committed_recipe() -> None:
    folder = ROOT / BASE
    made_by = files.require_complete(folder)
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= _LARGEST
    recipe_now = read_recipe(ROOT / "params").values()
    for name, value in made_by.items():
        now = recipe_now[name]
        # A key that has been added since has the value that it had without being there.
        assert {key: now[key] for key in value} == value if isinstance(value, dict) else now == value


def test_the_committed_base_is_of_other_people_than_the_demo() -> None:
    assert files.require_complete(ROOT / BASE)["seed"] != config.Params().seed
    assert config.Params().model.base == str(BASE)
