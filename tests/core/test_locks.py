"""One writer at a time, in every stage, and what killed ones left is gone."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dnaf.core import locks
from dnaf.core.errors import ResourceError, StateError

_HOLD_LOCK = """
import sys
from pathlib import Path
from dnaf.core import locks
with locks.sole_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes `tmp_path / "out"`."""
    command = [sys.executable, "-c", _HOLD_LOCK, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_until_the_first_one_dies(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(StateError, match=f"PID {holder.pid} on "), locks.sole_writer(out):
        pass
    with locks.sole_writer(tmp_path / "other"):
        pass
    holder.kill()
    holder.wait()
    with locks.sole_writer(out):
        pass
    assert list(tmp_path.iterdir()) == []


def test_all_outputs_are_locked_or_none(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    free, taken = tmp_path / "free", tmp_path / "out"
    with pytest.raises(StateError), locks.sole_writer(free, taken):
        pass
    with locks.sole_writer(free):
        pass


def test_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with locks.locked(tmp_path / "out"), pytest.raises(StateError), locks.locked(tmp_path / "out"):
        pass


def test_only_who_may_write_clears_what_killed_writers_left(tmp_path: Path) -> None:
    left = tmp_path / ".dnaf-tmp-out-12345678"
    left.write_bytes(b"half")
    with locks.locked(tmp_path / "out"):
        with pytest.raises(StateError), locks.sole_writer(tmp_path / "out"):
            pass
        assert left.exists()
    with locks.sole_writer(tmp_path / "out"):
        assert not left.exists()


def test_an_unwritable_place_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ResourceError, match="could not be written"), locks.locked(tmp_path / "file/below"):
        pass
