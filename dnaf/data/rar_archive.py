"""A RAR archive, read in one pass: starting a program for each of 52,712 members would take an hour.

By the package `unrar2-cffi` (the optional extra `rar`), else by `bsdtar`, which turns it into a tar.
"""

import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dnaf.data.archive_checks import MAX_RATIO, check_names, check_sizes
from dnaf.data.tar_archive import TarArchive
from dnaf.errors import DataError

_END_OF_ARCHIVE = 10


@contextmanager
def open_rar(path: Path) -> Iterator["RarArchive | TarArchive"]:
    """Opens a RAR archive with what there is to read it.

    Raises:
        DataError: damaged, refused, or nothing here can read RAR.
    """
    try:
        from unrar.cffi import unrarlib
    except ImportError:
        with _as_tar(path) as archive:
            yield archive
    else:
        yield RarArchive(path, unrarlib)


class RarArchive:
    """An `archive.Archive`; the library verifies each member's checksum.

    Raises:
        DataError: damaged, a link, an unsafe name, too many or too large members.
    """

    is_encrypted = False

    def __init__(self, path: Path, unrarlib: Any) -> None:
        self._path, self._lib = path, unrarlib
        members = check_sizes(path, self._list())
        if not members:
            raise DataError(f"{path}: no members, or truncated. Download it again.")
        check_names(path, [name for name, _ in members])
        self._sizes = {name: size for name, size in members if not name.endswith("/")}
        self.names = list(self._sizes)

    def num_bytes(self, names: Collection[str]) -> int:
        return sum(self._sizes[name] for name in names)

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        wanted = set(names)
        for header in self._headers(self._lib.RarArchive.open_for_processing):
            name = header.FileNameW.replace("\\", "/")
            if name not in wanted or header.Flags & self._lib.FLAGS_RHDF_DIRECTORY:
                header.skip()
                continue
            chunks: list[bytes] = []
            try:
                header.test(chunks.append)  # which verifies the checksum
            except self._lib.BadRarFile as error:
                raise DataError(
                    f"{self._path}: damaged content (member {name}). Download it again."
                ) from error
            yield name, b"".join(chunks)

    def _list(self) -> Iterator[tuple[str, int]]:
        for header in self._headers(self._lib.RarArchive.open_for_metadata):
            name = header.FileNameW.replace("\\", "/")
            if header.headerDataEx.RedirType:
                raise DataError(f"{self._path}: {name}: a link (expected plain files only). Refused.")
            is_folder = bool(header.Flags & self._lib.FLAGS_RHDF_DIRECTORY)
            yield name + "/" * is_folder, header.UnpSize | header.UnpSizeHigh << 32
            header.skip()

    def _headers(self, open_rar: Any) -> Iterator[Any]:
        try:
            with open_rar(self._path) as archive:
                while True:
                    # Not `iterate_headers`, which takes damage for the end.
                    data = self._lib.RARHeaderDataEx()
                    code = self._lib.RARReadHeaderEx(archive.handle, data)
                    if code == _END_OF_ARCHIVE:
                        return
                    if code:
                        raise self._lib.BadRarFile(code, f"error code {code}")
                    yield self._lib.RarHeader(archive, data)
        except self._lib.BadRarFile as error:
            raise DataError(
                f"{self._path}: damaged, encrypted or truncated RAR archive ({error}). Download it again."
            ) from error


@contextmanager
def _as_tar(path: Path) -> Iterator[TarArchive]:
    bsdtar = shutil.which("bsdtar")
    if bsdtar is None:
        raise DataError(
            f"{path}: nothing here can read RAR archives (expected the package unrar2-cffi, or bsdtar). "
            "Run `pip install unrar2-cffi`, or repack it as a zip."
        )
    with tempfile.TemporaryDirectory() as folder:
        tar = Path(folder) / "archive.tar"
        command = [bsdtar, "-cf", str(tar), f"@{path.absolute()}"]
        limit = MAX_RATIO * path.stat().st_size
        finished = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)),
        )
        if finished.returncode == -signal.SIGXFSZ:
            raise DataError(f"{path}: packed too tightly (expected at most {MAX_RATIO} : 1). Refused.")
        if finished.returncode:
            reason = " ".join(finished.stderr.split())
            raise DataError(f"{path}: bsdtar could not read this RAR archive ({reason}). Download it again.")
        yield TarArchive(tar, where=path)
