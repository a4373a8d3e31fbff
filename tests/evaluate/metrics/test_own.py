from pathlib import Path

import pytest

from dnaf.core.errors import ConfigError
from dnaf.evaluate.metrics.own import columns_with, own_metrics
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.evaluate.protocols.registry import PROTOCOLS, protocol_for

METRIC = """\
from dnaf.evaluate.metrics.metric import Column, PairMetric

def measure(pair):
    return {KEY: 1.0}

KEY = "brightness"
MINE = PairMetric((Column(KEY, "Brightness", ".2f", None, "how bright it is"),), measure)
"""
PROTOCOL = """\
from dataclasses import replace
from dnaf.evaluate.protocols.field.cfld import PROTOCOL

MINE = replace(PROTOCOL, name="mine")
"""


def write(folder: Path, module: str, text: str) -> None:
    folder.joinpath(f"{module}.py").write_text(text)


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_metric_of_the_working_directory_has_its_column_behind_all_others(tmp_path: Path) -> None:
    write(tmp_path, "own_metric", METRIC)
    columns = columns_with(["own_metric:MINE"])
    assert columns[:-1] == COLUMNS
    assert columns[-1].key == "brightness"


def test_a_protocol_of_the_working_directory_is_known_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "own_protocol", PROTOCOL)
    protocol = protocol_for("mine", "deepfashion", ["own_protocol:MINE"])
    assert protocol.pixels == PROTOCOLS["cfld"].pixels
    with pytest.raises(ConfigError, match=r"protocols: not allowed .found 'other', expected one of .*, mine"):
        protocol_for("other", "deepfashion", ["own_protocol:MINE"])


@pytest.mark.parametrize(
    ("module", "text", "message"),
    [
        ("absent", None, "could not be imported .ModuleNotFoundError: .*expected a file absent.py in .*MINE"),
        ("faulty", "1 / 0", "could not be imported .ZeroDivisionError: division by zero; expected"),
        ("stopped", "import sys; sys.exit(3)", "could not be imported .SystemExit: 3; expected"),
        ("unwritten", "MIME = 1", "could not be imported .AttributeError: .*MINE"),
        ("wrong", "MINE = 1", "wrong type .found int, expected PairMetric"),
        ("twice", METRIC.replace("brightness", "ssim"), "another metric has .* of that key .found ssim"),
        (
            "key",
            METRIC.replace("brightness", "Bright ness"),
            "could not be imported .ValueError: key 'Bright",
        ),
        ("spec", METRIC.replace(".2f", "2 digits"), "could not be imported .ValueError: spec '2 digits'"),
    ],
)
def test_a_wrong_metric_is_refused_in_a_sentence(
    tmp_path: Path, module: str, text: str | None, message: str
) -> None:
    if text is not None:
        write(tmp_path, module, text)
    with pytest.raises(
        ConfigError, match=rf"^params\.yaml: own\.metrics: {module}:MINE: {message}"
    ) as raised:
        own_metrics([f"{module}:MINE"])
    assert "\n" not in str(raised.value)


def test_two_protocols_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "namesake", PROTOCOL.replace("mine", "gfla"))
    with pytest.raises(ConfigError, match=r"own\.protocols: namesake:MINE: another protocol .* .found gfla"):
        protocol_for("gfla", "deepfashion", ["namesake:MINE"])
