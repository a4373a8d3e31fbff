"""Faults inside the system calls by which dnaf.core.files changes the disk."""

import errno
import io
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dnaf.core import files


class Faults:
    """Counts the calls that change the disk, and calls `fail` in the n-th one.

    `write` fails when half of its data is written, `rmtree` when half of the files are removed, every other
    call before it has an effect.

    Attributes:
        calls: how many there were so far.
    """

    def __init__(self, at: int, fail: Callable[[], None]) -> None:
        self.calls = 0
        self._at = at
        self._fail = fail

    def count(self) -> None:
        """Called at every system call."""
        self.calls += 1
        if self.calls == self._at:
            self._fail()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Puts the faults between this package and the system."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "os", _Calls(self, os, ("open", "fsync", "chmod", "replace", "close")))
            patch.setattr(files, "tempfile", _Calls(self, tempfile, ("mkstemp",)))
            patch.setattr(files, "shutil", _Removal(self, shutil, ()))
            yield


def kill() -> None:
    """Ends this process as a power cut or the kernel's memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


def disk_full() -> None:
    """Fails as the kernel does when there is no space left."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _Calls:
    def __init__(self, faults: Faults, module: ModuleType, counted: tuple[str, ...]) -> None:
        self._faults, self._module, self._counted = faults, module, counted

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._module, name)
        if name not in self._counted:
            return function

        def call(*args: Any, **options: Any) -> Any:
            self._faults.count()
            return function(*args, **options)

        return call

    def fdopen(self, handle: int, mode: str) -> io.BufferedRandom:
        assert mode == "w+b"
        return _File(io.FileIO(handle, "r+b"), self._faults)


class _Removal(_Calls):
    def rmtree(self, folder: Path, ignore_errors: bool = False) -> None:
        contained = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        try:
            for file in contained[: (len(contained) + 1) // 2]:
                file.unlink()
            self._faults.count()
            shutil.rmtree(folder, ignore_errors)
        except OSError:
            if not ignore_errors:
                raise


class _File(io.BufferedRandom):
    def __init__(self, raw: io.FileIO, faults: Faults) -> None:
        super().__init__(raw)
        self._faults = faults

    def write(self, data: Any) -> int:
        half = len(data) // 2
        super().write(data[:half])
        self.flush()
        self._faults.count()
        super().write(data[half:])
        return len(data)
