"""Runs the commands of README.md and docs/*.md as written, each page in a fresh clone of HEAD.

Run: uv run pytest -n 0 -s -m slow tests/docs

A page's log, tests/docs/logs/<page>.log, has each command with its output, seconds and the memory of its
largest process, and what the clone takes on the disk. The clone uses the DVC cache of this checkout
(`dvc cache dir`): what was run before is restored. uv's cache is shared too; the home folder is empty. All
commands are tried, also after one that failed.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from tests.docs.pages import ROOT, RUN_PAGES, Command, commands

LOGS = ROOT / "tests/docs/logs"
_FIRST = "uv run dvc repro"  # of the README's two commands: the other pages begin where it ends
_START_S = 600


class Reader:
    """A shell that lives in a clone: what one command exports, the next one has.

    Args:
        log: takes all output, as does the standard output.
    """

    def __init__(self, clone: Path, log: TextIO) -> None:
        self._clone, self._log = clone, log
        self._exported = clone.with_name("exported")
        self._exported.touch()
        self._environment = _environment(clone.parent)

    def say(self, line: str) -> None:
        for stream in (self._log, sys.stdout):
            print(line, file=stream, flush=True)

    def run(self, command: Command) -> str | None:
        """Runs a command to its end, or until its address answers; returns what went wrong, or None."""
        self.say(f"\n{command.place} $ {command.text}")
        if command.reason is not None:
            self.say(f"[not run: {command.reason}]")
            return None
        start = time.monotonic()
        script = (
            f". {self._exported}; trap 'export -p > {self._exported}' EXIT; set -eo pipefail\n{command.text}"
        )
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self._clone,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            answered = command.url is None or self._wait_for(command.url, process)
            assert process.stdout is not None
            for line in process.stdout:
                self.say(line.rstrip("\n"))
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl-C does not reach a session of its own
            os.killpg(process.pid, signal.SIGTERM)
            raise
        process.returncode = code = os.waitstatus_to_exitcode(status)
        seconds, gigabytes = time.monotonic() - start, usage.ru_maxrss / 1e6
        self.say(f"[exit code {code}, {seconds:.0f} s, largest process {gigabytes:.1f} GB]")
        if not answered:
            return f"{command.place}: {command.url} did not answer: {command.text}"
        if code not in ((0,) if command.url is None else (0, 130, -signal.SIGINT)):
            return f"{command.place}: exit code {code}: {command.text}"
        return None

    def _wait_for(self, url: str, process: subprocess.Popen[str]) -> bool:
        """Whether the address answers while the process runs; then sends Ctrl-C to all that it started."""
        answered = False
        for _ in range(_START_S):
            time.sleep(1)
            try:
                with urllib.request.urlopen(url, timeout=10) as page:
                    answered = page.status == 200
                    break
            except (urllib.error.URLError, OSError):
                # Not process.poll(): that would take the exit status, and with it the memory, from os.wait4.
                if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                    return False
        os.killpg(process.pid, signal.SIGINT)
        return answered


def _environment(folder: Path) -> dict[str, str]:
    """That of a reader who has not activated the environment of this checkout, with a name for commits.

    Args:
        folder: gets the reader's home, and the scratch folder of the stages.
    """
    ours = str(Path(sys.executable).parent)
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONPATH", "VIRTUAL_ENV") and not key.startswith(("PYTEST", "UV_PROJECT"))
    }
    folders = [folder for folder in environment["PATH"].split(os.pathsep) if folder != ours]
    # tests/conftest.py sets it for tests that count memory.
    environment.pop("ONEDNN_MAX_CPU_ISA", None)
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "home").mkdir()
    return environment | {
        "PATH": os.pathsep.join(folders),
        "HOME": str(folder / "home"),
        "UV_CACHE_DIR": cache,
        "DNAF_SCRATCH": str(folder / "scratch"),
        "GIT_AUTHOR_NAME": "reader",
        "GIT_AUTHOR_EMAIL": "reader@localhost",
        "GIT_COMMITTER_NAME": "reader",
        "GIT_COMMITTER_EMAIL": "reader@localhost",
    }


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "dnaf"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "-q", "-B", "main"], cwd=folder, check=True)
    cache = subprocess.run(
        ["dvc", "cache", "dir"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (folder / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache.strip()}\n")
    yield folder
    shutil.rmtree(folder)


def _disk_usage(folder: Path) -> str:
    """Of the environment, and of all else in the folder."""
    command = ["du", "-sh", str(folder / ".venv"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True).stdout


def test_a_reader_keeps_what_is_exported_stops_a_server_and_goes_on_after_a_failure(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = f"{sys.executable} -m http.server --bind 127.0.0.1 {port}"
    text = (
        "```bash\nexport WHO=anna\nfalse | true\necho $WHO\n```\n"
        f"<!-- serves http://127.0.0.1:{port} -->\n```bash\n{serve}\n```\n"
        f"<!-- serves http://127.0.0.1:{port} -->\n```bash\necho no server\n```\n"
        "<!-- not run: why -->\n```bash\nexit 1\n```\n"
    )
    (tmp_path / "clone").mkdir()
    with (tmp_path / "log").open("w") as file:
        reader = Reader(tmp_path / "clone", file)
        failed = [reader.run(command) is not None for command in commands("page", text)]
    assert failed == [False, True, False, False, True, False]
    log = (tmp_path / "log").read_text()
    assert "page:4 $ echo $WHO\nanna\n[exit code 0, " in log
    assert "[not run: why]" in log


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN_PAGES)
def test_every_command_of_the_page_runs_as_written(page: str, clone: Path) -> None:
    LOGS.mkdir(exist_ok=True)
    log = LOGS / f"{page.replace('/', '_').removesuffix('.md')}.log"
    with log.open("w") as file:
        reader = Reader(clone, file)
        todo = commands(page, (clone / page).read_text())
        if page != "README.md" and any(command.reason is None for command in todo):
            todo.insert(0, Command(page, 0, _FIRST, None, None))
        failures = [failure for command in todo if (failure := reader.run(command)) is not None]
        reader.say(f"\n{page}: {len(todo)} commands, {len(failures)} failed\n{_disk_usage(clone)}")
        for failure in failures:
            reader.say(failure)
    assert failures == [], f"see {log}"
