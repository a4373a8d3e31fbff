"""One writer at a time: a run locks what it writes, and starts from a place without half-written files."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from dnaf.core import files
from dnaf.core.errors import StateError


@contextmanager
def sole_writer(*outputs: Path) -> Iterator[None]:
    """Locks files and folders for this process, then removes what killed writers left of them.

    Args:
        outputs: everything that a run writes; they need not exist yet.

    Raises:
        StateError: another process writes one of them; the message names it.
        ResourceError: the disk is full or not writable.
    """
    with ExitStack() as locks:
        for output in outputs:
            locks.enter_context(locked(output))
        for output in outputs:
            files.remove_leftovers(output)
        yield


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Locks a file or folder for this process; the system frees it when the process dies.

    The lock is a hidden file beside the output, as DVC removes outputs, and files in them would be data.

    Raises:
        StateError: another process has it; the message names it.
        ResourceError: the disk is full or not writable.
    """
    path = files.temporary(output, ".lock")
    owner = files.temporary(output, ".owner")  # not in the lock's own file, which Windows lets nobody read
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise StateError(
            f"{output}: another run is writing here ({_name_in(owner)}). Wait for it to end, or stop it."
        ) from error
    except OSError as error:
        raise files.resource_error(output, error) from error
    try:
        try:
            owner.write_text(f"PID {os.getpid()} on {socket.gethostname()}\n", encoding="utf-8")
        except OSError as error:
            raise files.resource_error(output, error) from error
        yield
    finally:
        for file in (owner, path):
            with suppress(OSError):  # Windows removes no open file; filelock does it there
                file.unlink(missing_ok=True)
        lock.release()


def _name_in(owner: Path) -> str:
    try:
        return owner.read_text(encoding="utf-8", errors="replace")[:200].strip() or "an unnamed process"
    except OSError:
        return "an unnamed process"
