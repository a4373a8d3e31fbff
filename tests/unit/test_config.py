import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from dnaf import config
from dnaf.errors import ConfigError
from tests.raw_folder import ROOT


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes params/demo.yaml with the first line that begins with a text replaced by another."""

    def edit(beginning: str, new: str) -> Path:
        text = (ROOT / "params/demo.yaml").read_text()
        changed, count = re.subn(rf"^{beginning}.*$", new, text, count=1, flags=re.MULTILINE)
        assert count == 1
        path = tmp_path / "params.yaml"
        path.write_text(changed)
        return path

    return edit


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


def keys(values: Any, prefix: str = "") -> set[str]:
    if not isinstance(values, dict):
        return {prefix}
    return {prefix}.union(*(keys(value, f"{prefix}.{name}") for name, value in values.items()))


def test_params_are_those_of_the_demo() -> None:
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "params/demo.yaml").read_bytes()


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.name)
def test_every_ready_made_params_file_has_the_keys_of_the_demo_and_is_valid(path: Path) -> None:
    assert keys(read(path)) == keys(read(ROOT / "params/demo.yaml"))
    assert config.load_protocol(path) in config.load_protocols(path)
    for section in config.SECTIONS:
        config.load(section, path)
    for dataset in read(path)["datasets"]:
        config.load_size(dataset, path)
        config.load_max_test_pairs(dataset, path)
    assert config.load_method(path) in config.load_methods(path)
    assert config.load_seed(path) >= 0


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("key", "value"),
    [("lr", "train.lr=0.0125"), ("base", "model.base=null"), ("noise_aware", "model.noise_aware=false")],
)
def test_dvc_changes_the_line_of_a_parameter_and_no_other(
    path: Path, key: str, value: str, tmp_path: Path
) -> None:
    changed = tmp_path / "params.yaml"
    shutil.copy(path, changed)
    apply_overrides(str(changed), [value])
    pairs = zip(path.read_text().splitlines(), changed.read_text().splitlines(), strict=True)
    assert {before.split(":")[0].strip() for before, after in pairs if before != after} <= {key}


def test_a_number_as_dvc_writes_it_is_a_float(edited: Callable[[str, str], Path]) -> None:
    path = edited("  lr:", "  lr: 5e-05")
    assert config.load(config.Train, path).lr == 0.00005


def test_sizes_are_height_and_width() -> None:
    assert config.load_size("deepfashion", ROOT / "params/demo.yaml") == (256, 176)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  steps:",
            "  steps: 1\n  stepz: 1",
            r"train\.stepz: unknown key .expected one of: steps, batch_size",
        ),
        ("  steps:", "", r"train\.steps: missing"),
        ("  steps:", "  steps: many", r"train\.steps: not allowed .found 'many', expected a valid integer"),
        ("  steps:", "  steps: 1.5", r"train\.steps: not allowed .found 1\.5, expected a valid integer"),
        (
            "  steps:",
            "  steps: 0",
            r"train\.steps: not allowed .found 0, expected greater than or equal to 1",
        ),
        ("  lr:", "  lr: 1.5", r"train\.lr: not allowed .found 1\.5, expected less than or equal to 1"),
        ("  lr:", "  lr: .nan", r"train\.lr: not allowed .found nan, expected"),
        ("  loss:", "  loss: l3", r"train\.loss: not allowed .found 'l3', expected 'l1' or 'mse'"),
        (
            "  style_grad:",
            "  style_grad: 1",
            r"train\.style_grad: not allowed .found 1, expected a valid bool",
        ),
        (
            "  min_snr_gamma:",
            "  min_snr_gamma: 5.0",
            r"train\.min_snr_gamma: not allowed .found 5.0, expected null, or train.loss mse",
        ),
        ("train:", "trayn:", r"trayn: unknown key .expected one of: dataset, method"),
        ("train:", "train: 3\nmodel2:", r"model2: unknown key"),
    ],
)
def test_a_mistake_is_named_with_its_key_the_value_found_and_what_is_allowed(
    edited: Callable[[str, str], Path], old: str, new: str, message: str
) -> None:
    path = edited(old, new)
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(config.Train, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_mistake_elsewhere_does_not_stop_a_stage(edited: Callable[[str, str], Path]) -> None:
    render = config.load(config.Render, edited("  steps:", "  steps: many"))
    assert render.canvas == (render.canvas_height, render.canvas_width)


def test_channels_that_heads_do_not_divide_are_refused(edited: Callable[[str, str], Path]) -> None:
    with pytest.raises(ConfigError, match="head_dim 1000 must divide"):
        config.load(config.Model, edited("  head_dim:", "  head_dim: 1000"))


def test_an_unknown_data_set_is_refused_with_those_known() -> None:
    with pytest.raises(
        ConfigError, match=r"datasets\.demmo: unknown data set .expected one of: demo, deepfash"
    ):
        config.load_size("demmo", ROOT / "params/demo.yaml")


def test_a_negative_seed_and_an_empty_list_of_methods_are_refused(
    edited: Callable[[str, str], Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"seed: not allowed .found -1"):
        config.load_seed(edited("seed:", "seed: -1"))
    (tmp_path / "empty.yaml").write_text("methods: []\n")
    with pytest.raises(ConfigError, match="methods: not allowed"):
        config.load_methods(tmp_path / "empty.yaml")


def test_protocols_are_known_ones_in_the_given_order(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("protocol: gfla\nprotocols:\n  - cfld\n  - gfla\n")
    assert config.load_protocol(path) == "gfla"
    assert config.load_protocols(path) == ["cfld", "gfla"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("protocol: cfdl", r"protocol: not allowed .found 'cfdl', expected 'gfla', .* 'cfld' or 'clean'"),
        ("protocol: [cfld]", r"protocol: not allowed .found \['cfld'\], expected 'gfla'"),
        ("method: dnaf", "protocol: missing"),
    ],
)
def test_an_unknown_protocol_is_refused_with_those_known(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        config.load_protocol(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("protocols: [cfld, native]", r"protocols: not allowed .found 'native', expected 'gfla', "),
        ("protocols: []", "protocols: not allowed"),
        ("protocols: cfld", r"protocols: not allowed .found 'cfld', expected a valid list"),
        ("protocol: cfld", "protocols: missing"),
    ],
)
def test_a_list_of_protocols_is_not_empty_and_holds_known_ones_only(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        config.load_protocols(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1", "not valid YAML"),
        ("seed: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("\tseed: 1", "not valid YAML"),
        ("seed: 1\nseed: 2", "not valid YAML"),
        ("- 1\n- 2", "not a mapping"),
        ("", "not a mapping"),
        ("seed: 1 #" + "x" * 1_000_000, "too large"),
    ],
    ids=["unfinished", "python object", "tab", "key twice", "list", "empty", "too large"],
)
def test_a_file_that_is_no_params_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        config.load_seed(path)
    assert "\n" not in str(caught.value)


def test_a_missing_params_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"could not be read .*Run from the project's root"):
        config.load_seed(tmp_path / "params.yaml")
