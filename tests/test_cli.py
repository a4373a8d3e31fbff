"""The command `dnaf`: the stages of a checkout by name."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dnaf import __version__, cli
from dnaf.core.errors import ConfigError

CHECKOUT = Path(__file__).parents[1]


def dnaf(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = "from dnaf.cli import main; main()"
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": ""}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_every_stage_is_listed_once_with_its_sentence_and_the_pipelines_come_in_running_order() -> None:
    stages = cli.find_stages(CHECKOUT)
    assert set(stages) == {path.stem for path in (CHECKOUT / "stages").glob("[!_]*.py")}
    assert list(stages)[:3] == ["make_demo", "unpack", "split"]
    assert all(stages.values())
    listing = cli.listing(stages)
    assert all(f"  {name} " in listing and sentence in listing for name, sentence in stages.items())


def test_a_stage_run_by_name_answers_as_its_module_does() -> None:
    by_name = dnaf("make-demo", "--help", cwd=CHECKOUT)
    assert by_name.returncode == 0
    assert "Usage: dnaf make-demo" in by_name.stdout


def test_an_unknown_stage_is_named_with_the_nearest_one() -> None:
    result = dnaf("trane", cwd=CHECKOUT)
    assert result.returncode == 2
    assert result.stderr.startswith("error: trane: is no stage")
    assert "Did you mean train?" in result.stderr


def test_outside_a_checkout_one_sentence_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a checkout of dnaf"):
        cli.find_stages(tmp_path)
    result = dnaf("train", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def test_the_version_is_that_of_the_project() -> None:
    with open(CHECKOUT / "pyproject.toml", "rb") as file:
        assert __version__ == tomllib.load(file)["project"]["version"]
