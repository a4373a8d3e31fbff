"""A checkpoint's write path, interrupted in every system call in turn (after SQLite's I/O error tests)."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dnaf.core import files
from dnaf.core.errors import ResourceError
from dnaf.train import checkpoint
from tests.helpers import processes
from tests.helpers.faults import Faults, kill
from tests.train.test_checkpoint import assert_equal, loaded, trained

_LEAST_CALLS = 4 * 8  # four files; make, write, fsync, chmod and rename each, and fsync of the folder


def failing(number: int) -> Callable[[], None]:
    """Raises an OSError, as the kernel does."""

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def assert_old_or_new(folder: Path) -> None:
    """The folder holds a whole checkpoint of before the write, or the new one; the next save is clean."""
    found, _ = loaded(folder)
    assert found.step in (4, 6)
    assert_equal(found, trained(found.step))
    files.remove_leftovers(folder)
    checkpoint.save(folder, trained(8))
    assert_equal(loaded(folder)[0], trained(8))
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_never_costs_the_earlier_checkpoint(tmp_path: Path, number: int) -> None:
    at = 0
    while True:
        at += 1
        folder = tmp_path / str(at)
        checkpoint.save(folder, trained(2))
        checkpoint.save(folder, trained(4))
        faults = Faults(at, failing(number))
        with suppress(ResourceError), faults.installed():  # any other error fails the test
            checkpoint.save(folder, trained(6))
        if faults.calls < at:
            break
        assert_old_or_new(folder)
    assert at > _LEAST_CALLS
    assert loaded(folder)[0].step == 6


def _save_and_die(folder: Path, at: int) -> None:
    with Faults(at, kill).installed():
        checkpoint.save(folder, trained(6))


def test_a_kill_in_any_system_call_never_costs_the_earlier_checkpoint(tmp_path: Path) -> None:
    at = 0
    while True:
        at += 1
        folder = tmp_path / str(at)
        checkpoint.save(folder, trained(2))
        checkpoint.save(folder, trained(4))
        process = processes.CONTEXT.Process(target=_save_and_die, args=(folder, at))
        process.start()
        exit_code = processes.finish(process)
        if exit_code == 0:
            break
        assert processes.was_killed(exit_code), at
        assert_old_or_new(folder)
    assert at > _LEAST_CALLS
    assert loaded(folder)[0].step == 6
