import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dnaf.core import config, sections
from dnaf.core.errors import ConfigError
from dnaf.core.parameters import sets as parameter_sets
from dnaf.core.sections import Section
from tests.helpers.raw_folder import ROOT


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes the demo's params.yaml with the first line that begins with a text replaced by another."""

    def edit(beginning: str, new: str) -> Path:
        text = parameter_sets.to_yaml("demo", folder=ROOT / "params")
        changed, count = re.subn(rf"^{beginning}.*$", new, text, count=1, flags=re.MULTILINE)
        assert count == 1
        path = tmp_path / "params.yaml"
        path.write_text(changed)
        return path

    return edit


def is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section) and kind is not Section


@pytest.mark.parametrize("section", [kind for kind in vars(config).values() if is_section(kind)])
def test_every_parameter_says_what_it_means_and_has_a_default_that_is_allowed(section: type[Section]) -> None:
    assert all(field.description for field in section.model_fields.values())
    assert section.model_validate(section().model_dump()) == section()


def test_the_sections_of_a_file_are_loaded_from_one_parse_of_it(edited: Callable[[str, str], Path]) -> None:
    path = edited("seed:", "seed: 4711")
    before = sections.parse.cache_info().misses
    assert config.load_seed(path) == 4711
    config.load(config.Train, path)
    config.load_size("demo", path)
    assert sections.parse.cache_info().misses == before + 1
    path.write_text(path.read_text().replace("4711", "4712"))
    assert config.load_seed(path) == 4712


def test_a_number_as_dvc_writes_it_is_a_float(edited: Callable[[str, str], Path]) -> None:
    path = edited("  lr:", "  lr: 5e-05")
    assert config.load(config.Train, path).lr == 0.00005


def test_sizes_are_height_and_width(edited: Callable[[str, str], Path]) -> None:
    assert config.load_size("deepfashion", edited("seed:", "seed: 0")) == (256, 176)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  steps:",
            "  steps: 1\n  stepz: 1",
            r"train\.stepz: unknown key .expected one of: init, steps, batch_size",
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


def test_what_weighs_squares_is_refused_where_there_are_none(edited: Callable[[str, str], Path]) -> None:
    path = edited("  loss:", "  loss: l1")
    path.write_text(path.read_text().replace("  min_snr_gamma:  ", "  min_snr_gamma: 5.0  "))
    message = r"train\.min_snr_gamma: not allowed .found 5.0, expected null, or train.loss mse"
    with pytest.raises(ConfigError, match=message):
        config.load(config.Train, path)


def test_a_mistake_elsewhere_does_not_stop_a_stage(edited: Callable[[str, str], Path]) -> None:
    render = config.load(config.Render, edited("  steps:", "  steps: many"))
    assert render.canvas == (render.canvas_height, render.canvas_width)


def test_what_a_stage_does_not_read_may_be_missing_and_what_it_reads_may_not(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    model, weights = "model:\n  base:\n  unshuffle: 4\n", "weights:\n  alexnet:\n  vgg16: a.pth\n"
    path.write_text(f"{model}{weights}datasets:\n  demo:\n    height: 64\n    width: 48\n")
    assert config.load_autoencoder(path) == (None, 4)
    assert config.load_weights(("alexnet", "vgg16"), path) == {"alexnet": None, "vgg16": Path("a.pth")}
    assert config.load_size("demo", path) == (64, 48)
    with pytest.raises(ConfigError, match=r"datasets\.demo\.format: missing"):
        config.load_format("demo", path)
    with pytest.raises(ConfigError, match=r"weights\.dinov2: missing"):
        config.load_weights(("alexnet", "dinov2"), path)
    with pytest.raises(ConfigError, match=r"model\.pose_adapter: missing"):
        config.load(config.Model, path)
    with pytest.raises(ConfigError, match=r"seed: missing"):
        config.load_seed(path)


def test_channels_that_heads_do_not_divide_are_refused(edited: Callable[[str, str], Path]) -> None:
    with pytest.raises(ConfigError, match="head_dim 1000 must divide"):
        config.load(config.Model, edited("  head_dim:", "  head_dim: 1000"))


def test_an_unknown_data_set_is_refused_with_those_known(edited: Callable[[str, str], Path]) -> None:
    with pytest.raises(
        ConfigError, match=r"datasets\.demmo: unknown data set .expected one of: demo, deepfash"
    ):
        config.load_size("demmo", edited("seed:", "seed: 0"))


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
        (
            "protocol: cfdl",
            r"protocol: not allowed .found 'cfdl', expected 'gfla', .* 'leffa' or 'pytorch_fid'",
        ),
        ("protocol: [cfld]", r"protocol: not allowed .found \['cfld'\], expected 'gfla'"),
        ("method: dnaf", "protocol: missing"),
    ],
)
def test_an_unknown_protocol_is_refused_with_those_known(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        config.load_protocol(path)


def test_names_of_own_protocols_are_allowed_where_there_are_some(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    own = "own: {metrics: [], protocols: [extensions.square:SQUARE]}"
    path.write_text(f"protocol: square\nprotocols: [cfld, square]\n{own}\n")
    assert config.load_protocol(path) == "square"
    assert config.load_protocols(path) == ["cfld", "square"]
    assert config.load_own_protocols(path) == ["extensions.square:SQUARE"]
    assert config.load_own_metrics(path) == []


@pytest.mark.parametrize(
    "wrong", ["extensions.square", "square.py:SQUARE.x", "a:b:c", "../square:SQUARE", ""]
)
def test_own_ones_are_a_module_and_a_name(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"own: {{metrics: ['{wrong}'], protocols: []}}\n")
    with pytest.raises(ConfigError, match=r"own\.metrics\.0: not allowed .*expected module:name, as "):
        config.load_own_metrics(path)


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


@pytest.mark.parametrize("word", ["None", "none", "'null'", "Nil", "''", "'~'", "' '"])
@pytest.mark.parametrize(
    ("key", "section"), [("base", config.Model), ("init", config.Train), ("alexnet", config.Weights)]
)
def test_a_word_for_nothing_is_not_taken_for_a_path(
    key: str, section: type[Section], word: str, edited: Callable[[str, str], Path]
) -> None:
    path = edited(f"  {key}:", f"  {key}: {word}")
    with pytest.raises(ConfigError, match=rf"{key}: not allowed \(found '.*', expected .*"):
        config.load(section, path)
    assert getattr(config.load(section, edited(f"  {key}:", f"  {key}: null")), key) is None


@pytest.mark.parametrize(
    "value",
    ["2024-13-45", "2024-02-30T25:00:00", "!!int x", "!!float x", "!!binary x", "{[a]: 1}", "0x", "[" * 5000,
     "!!python/object:os {}", "&a [*a, *a]"],
)  # fmt: skip
def test_a_value_that_yaml_cannot_make_is_one_sentence(value: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"seed: {value}\n")
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: ") as error:
        config.load_seed(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_aliases_of_aliases_are_not_written_out(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    levels = "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    path.write_text(f"seed:\n- &a0 [lol]\n{levels}")
    with pytest.raises(ConfigError, match="seed: not allowed") as error:
        config.load_seed(path)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (["dnaf", "dnaf"], r"expected each once, .*dnaf and dnaf"),
        (["dnaf", "pidm", "DNAF"], r"expected each once, .*dnaf and DNAF"),
        (["../dnaf"], "expected letters"),
        (["=1+1"], "expected letters"),
        (["a b"], "expected letters"),
        (["a\nb"], "expected letters"),
        (["Con"], "no name that Windows keeps"),
        (["lpt1"], "no name that Windows keeps"),
        (["-S"], "expected letters"),
        (["x" * 65], "expected letters"),
    ],
)
def test_methods_are_names_of_folders_on_every_system_each_once(
    methods: list[str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "params.yaml"
    YAML().dump({"methods": methods}, path)
    with pytest.raises(ConfigError, match=rf"methods.*not allowed .*{message}"):
        config.load_methods(path)
