"""A stage as a command line says at once what it is about.

More is not said before the work.
"""

import os
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from dnaf.core.errors import ConfigError
from stages import _command

ROOT = Path(__file__).resolve().parents[2]


def make(count: int = 3) -> str:
    return f"{count} images → data/images.zip"


def fail() -> str:
    raise ConfigError("params.yaml: seed: missing.")


def run(monkeypatch: pytest.MonkeyPatch, command: _command.Command, *arguments: str) -> int:
    """The exit code."""
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    code = _command.exit_code(command)
    assert isinstance(code, int | None)
    return code or 0


def test_a_spared_package_looks_as_if_it_were_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "this", sys)  # there, and after the test as before
    _command.spare("this")
    with pytest.raises(ModuleNotFoundError):
        import_module("this")
    assert find_spec("this") is None


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


@pytest.mark.parametrize("name", ["WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_PORT"])
@pytest.mark.parametrize("value", ["", "two", "1.5"])
def test_a_launchers_variable_that_is_no_number_is_one_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert run(monkeypatch, make) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: {name}: not a whole number (found {value!r}")


ENDING = '''"""Make images."""
import atexit, sys, threading, time
from stages import _command
from dnaf.core.errors import ConfigError

def last_words() -> None:
    time.sleep(0.2)
    print("thread")

def main(how: str) -> str:
    atexit.register(print, "library")
    threading.Thread(target=last_words).start()
    if how == "wrong":
        raise ConfigError("params.yaml: wrong.")
    if how == "fault":
        raise ZeroDivisionError
    if how == "stopped":
        raise SystemExit(143)
    return "3 images"

class Slow:
    def __del__(self) -> None:
        print("taken apart")

kept = Slow()
_command.run(main)
'''


@pytest.mark.parametrize(
    ("how", "code", "result"), [("well", 0, ["3 images"]), ("wrong", 2, []), ("stopped", 143, [])]
)
def test_a_stage_ends_after_all_last_words_and_takes_nothing_apart(
    how: str, code: int, result: list[str], tmp_path: Path
) -> None:
    ended = end(tmp_path, how)
    assert (ended.returncode, ended.stdout.splitlines()) == (code, [*result, "thread", "library"])


def test_a_tool_that_was_there_before_the_stage_has_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import atexit\natexit.register(print, 'tool')\n")
    ended = end(tmp_path, "well")
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[1:] == ["thread", "library", "tool", "taken apart"]


def test_a_fault_of_our_own_shows_where_it_is(tmp_path: Path) -> None:
    ended = end(tmp_path, "fault")
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr


def end(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    script = folder / "stages_of_a_test.py"
    script.write_text(ENDING)
    return subprocess.run(
        [sys.executable, str(script), how],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_output_to_a_full_disk_is_one_sentence_after_the_work(arguments: list[str], tmp_path: Path) -> None:
    script = tmp_path / "stages_of_a_test.py"
    script.write_text(
        '"""Make images."""\nfrom stages import _command\n\ndef main() -> str:\n'
        '    open("made", "w").close()\n    return "3 images"\n\n_command.run(main)\n'
    )
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("error: standard output: could not be written (No space left on device)") == 1
    assert (tmp_path / "made").exists() == (not arguments)


def test_a_log_that_cannot_be_written_stops_no_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(OSError), open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert run(monkeypatch, make) == 0
    monkeypatch.undo()
    assert capsys.readouterr().out == "3 images → data/images.zip\n"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RuntimeError(
                "[/src/gloo/transport/tcp/pair.cc:545] Read error [10.0.0.2]:3601: Connection reset by peer. "
                "This is typically caused by a remote worker hanging."
            ),
            "Read error [10.0.0.2]:3601: Connection reset by peer",
        ),
        (RuntimeError("shapes cannot be multiplied"), None),
    ],
)
def test_only_a_lost_process_is_taken_for_one(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError, expected: str | None
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert _command._why_others_are_lost(error) == expected
    monkeypatch.delenv("WORLD_SIZE")
    assert _command._why_others_are_lost(error) is None
