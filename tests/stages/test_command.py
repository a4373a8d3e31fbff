"""A stage as a command line says at once what it is about.

More is not said before the work.
"""

import sys

import pytest

from dnaf.core.errors import ConfigError
from stages import _command


def make(count: int = 3) -> str:
    return f"{count} images → data/images.zip"


def fail() -> str:
    raise ConfigError("params.yaml: seed: missing.")


def run(monkeypatch: pytest.MonkeyPatch, command: _command.Command, *arguments: str) -> int:
    """The exit code."""
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    with pytest.raises(SystemExit) as ended:
        _command.run(command)
    return ended.value.code if isinstance(ended.value.code, int) else 0


FIRST_LINE = "test_command: A stage as a command line says at once what it is about …\n"


def test_a_stage_says_at_once_what_it_is_about_and_at_the_end_what_it_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, make, "--count", "4") == 0
    assert capsys.readouterr() == ("4 images → data/images.zip\n", FIRST_LINE)


def test_of_several_processes_only_the_first_one_speaks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "0")
    assert run(monkeypatch, make) == 0
    assert capsys.readouterr().out == "3 images → data/images.zip\n"
    monkeypatch.setenv("RANK", "1")
    assert run(monkeypatch, make) == 0
    assert capsys.readouterr() == ("", "")


def test_an_error_ends_with_one_sentence_and_no_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, fail) == 2
    assert capsys.readouterr() == ("", FIRST_LINE + "error: params.yaml: seed: missing.\n")


def test_the_help_is_the_docstring_of_the_module_and_the_usage_a_command_to_copy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, make, "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Usage: uv run python -m stages.test_command" in shown
    assert "More is not said before the work." in shown
