"""The ready-made sets of parameters, and the text of params.yaml."""

from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from dnaf.core import config
from dnaf.core.errors import ConfigError
from dnaf.core.parameters import file as params_file
from dnaf.core.parameters import sets as parameter_sets
from tests.helpers.raw_folder import ROOT

SETS = ROOT / "params"
NAMES = parameter_sets.names(SETS)
DEMO = parameter_sets.to_yaml("demo", folder=SETS)


def parsed(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_params_yaml_is_what_use_writes_for_the_demo() -> None:
    assert (ROOT / "params.yaml").read_text() == DEMO, "uv run python -m stages.use demo --force"


@pytest.mark.parametrize("name", NAMES)
def test_a_set_holds_nothing_that_the_demo_has_too(name: str) -> None:
    demo = parameter_sets.flat(config.Params().model_dump())
    own = parameter_sets.flat(parsed((SETS / f"{name}.yaml").read_text()) or {})
    assert [key for key, value in own.items() if key in demo and demo[key] == value] == []
    assert bool(own) == (name != "demo")


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_a_set_is_complete_commented_and_read_as_the_set(name: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(parameter_sets.to_yaml(name, folder=SETS))
    params = parameter_sets.read(name, folder=SETS)
    assert parsed(path.read_text()) == params.model_dump()
    for section in (config.MakeDemo, config.Render, config.Model, config.Train, config.Weights):
        assert config.load(section, path) == getattr(params, section.name)
    chosen = params.datasets[params.dataset]
    assert config.load_size(params.dataset, path) == (chosen.height, chosen.width)
    of_other_data_sets = path.read_text().split("  deepfashion:")[1].split("make_demo:")[0]
    without = [line for line in path.read_text().splitlines() if ": " in line and "  # " not in line]
    assert all(line.startswith("# ") or line in of_other_data_sets for line in without)


@pytest.mark.parametrize("name", NAMES)
def test_dvc_changes_the_lines_of_the_parameters_and_no_other(name: str, tmp_path: Path) -> None:
    path, text = tmp_path / "params.yaml", parameter_sets.to_yaml(name, folder=SETS)
    path.write_text(text)
    changes = {
        "seed": "seed=7",
        "lr": "train.lr=1e-5",
        "mirror": "train.mirror=null",
        "noise_aware": "model.noise_aware=false",
        "alexnet": "weights.alexnet=checkpoints/alexnet.pth",
        "max_images": "reference.max_images=7",
        "- 72": "model.channels=[72,72]",
    }
    apply_overrides(str(path), list(changes.values()))
    pairs = list(zip(text.splitlines(), path.read_text().splitlines(), strict=True))
    assert {after.split(":")[0].strip() for before, after in pairs if before != after} == changes.keys()
    assert all(before.partition("#")[2] == after.partition("#")[2] for before, after in pairs)


@pytest.mark.parametrize("value", ["no", "null", "1e5", "a: b", "a #b", "x" * 200 + " y", "ä", "'", "12"])
def test_a_text_is_read_back_as_it_was(value: str) -> None:
    params = config.Params(model=config.Model(style_encoder=value))
    assert parsed(params_file.to_yaml(params, ["header"])) == params.model_dump()


def test_changes_are_values_of_yaml_and_the_last_one_counts() -> None:
    changes = ["train.lr=1", "train.lr=1e-3", "model.base=null", "model.channels=[64, 128]", "seed=7"]
    changes += ["train.mixed_precision=no", "datasets.demo.height=64"]
    params = parameter_sets.read("demo", changes, SETS)
    assert (params.train.lr, params.model.base, params.model.channels) == (0.001, None, [64, 128])
    assert (params.seed, params.train.mixed_precision) == (7, "no")
    assert (params.datasets["demo"].height, params.datasets["demo"].width) == (64, 96)
    header = parameter_sets.to_yaml("demo", changes, SETS).split("\n\n")[0]
    assert "stages.use demo --set train.lr=1 --set train.lr=1e-3" in header
    assert "--set 'model.channels=[64, 128]'" in header


def test_a_data_set_is_added_with_all_its_keys_or_not_at_all() -> None:
    values = {"format": "custom", "height": 128, "width": 96, "max_test_pairs": 50}
    changes = [f"datasets.mine.{key}={value}" for key, value in values.items()]
    params = parameter_sets.read("demo", ["dataset=mine", *changes], SETS)
    assert params.datasets["mine"].model_dump() == values
    with pytest.raises(ConfigError, match=r"--set: datasets\.mine\.width: missing\."):
        parameter_sets.read("demo", [change for change in changes if "width" not in change], SETS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.lrr=1", r"--set: train\.lrr: unknown key .expected one of: init, steps, batch_size, "),
        ("trayn.lr=1", r"--set: trayn: unknown key .expected one of: dataset, method, "),
        ("datasets.demo.depth=3", r"datasets\.demo\.depth: unknown key .expected one of: format, height, "),
        ("train=1", r"--set: train: wrong type .found 1, expected keys"),
        ("datasets=1", r"--set: datasets: wrong type .found 1, expected keys"),
        ("train.lr=2", r"--set: train\.lr: not allowed .found 2, expected less than or equal to 1"),
        ("train.lr.x=1", r"--set: train\.lr: not allowed .found .*, expected a valid number"),
        ("protocol=gfla", r"--set: values that do not fit .*protocol gfla is not one of protocols: cfld"),
        ("method=dnav", r"--set: values that do not fit .*method dnav is not one of methods: dnaf, "),
        ("dataset=mine", r"--set: values that do not fit .*dataset mine is not one of datasets: demo, "),
        ("model.head_dim=24", r"--set: model: values that do not fit together .head_dim 24 must divide"),
        ("train.lr", r"--set train\.lr: not a change .expected KEY=VALUE"),
        ("=1", r"--set =1: not a change"),
        ("train.lr=[1", r"--set train\.lr=\[1: not valid YAML"),
    ],
)
def test_a_change_that_is_not_allowed_is_named_with_what_is(change: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parameter_sets.read("demo", [change], SETS)
    assert "\n" not in str(caught.value)


def test_an_unknown_set_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"dem: no ready-made set .*expected one of: demo, .*market1501"):
        parameter_sets.read("dem", folder=SETS)


def test_outside_the_project_one_sentence_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"params: holds no sets .*Run from the project's root"):
        parameter_sets.read("demo", folder=tmp_path / "params")


def test_a_mistake_in_the_file_of_a_set_is_named_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("train:\n  stepz: 3\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: train\.stepz: unknown key"):
        parameter_sets.read("mine", folder=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_set_as_it_was_written_holds_no_edits(name: str) -> None:
    assert parameter_sets.lost_edits(parameter_sets.to_yaml(name, folder=SETS), DEMO, SETS) == []
    assert parameter_sets.lost_edits("", DEMO, SETS) == []


def test_edits_are_what_no_set_has_and_the_new_file_has_not() -> None:
    edited = DEMO.replace("lr: 0.0005 ", "lr: 0.02 ").replace("- 64\n", "- 64\n  - 96\n")
    assert parameter_sets.lost_edits(edited, DEMO, SETS) == ["model.channels: [32, 64, 96]", "train.lr: 0.02"]
    same_lr = parameter_sets.to_yaml("demo", ["train.lr=0.02"], SETS)
    assert parameter_sets.lost_edits(edited, same_lr, SETS) == ["model.channels: [32, 64, 96]"]
    assert parameter_sets.lost_edits(same_lr, DEMO, SETS) == ["train.lr: 0.02"]
    deepfashion = parameter_sets.to_yaml("deepfashion", folder=SETS).replace(
        "batch_size: 32", "batch_size: 16"
    )
    assert parameter_sets.lost_edits(deepfashion, DEMO, SETS) == ["train.batch_size: 16"]


def test_comments_and_unknown_keys_of_the_user_are_edits_and_so_is_a_broken_file() -> None:
    assert parameter_sets.lost_edits(f"{DEMO}\n# try 0.1 next\nmine: null\n", DEMO, SETS) == [
        "mine: null",
        "# try 0.1 next",
    ]
    assert parameter_sets.lost_edits("seed: [1", DEMO, SETS) == ["a text that is not valid YAML"]
