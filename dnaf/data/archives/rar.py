"""A RAR archive, read in one pass: starting a program for each of 52,712 members would take an hour.

By the package `unrar2-cffi`, the optional extra `rar`. Not by `bsdtar`: libarchive 3.6 takes one with a wrong
checksum, and one that is cut behind its signature, for intact.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from dnaf.core import commands
from dnaf.core.errors import DataError
from dnaf.core.filenames import shown
from dnaf.data.archives.checks import Entry, check_members

_END_OF_ARCHIVE = 10


def open_rar(path: Path) -> "RarArchive":
    """Opens a RAR archive.

    Raises:
        DataError: damaged, refused, or the package that reads RAR is not installed.
    """
    try:
        from unrar.cffi import unrarlib
    except ImportError as error:
        raise DataError(
            f"{path}: no reader of RAR archives is installed (expected the package unrar2-cffi). "
            f"Run `{commands.install('rar')}`, or repack it as a zip."
        ) from error
    return RarArchive(path, unrarlib)


class RarArchive:
    """An `archive.Archive`; the library verifies each member's checksum.

    Raises:
        DataError: damaged, a link, an unsafe name, too many or too large members.
    """

    is_encrypted = False

    def __init__(self, path: Path, unrarlib: Any) -> None:
        self._path, self._lib = path, unrarlib
        sizes: list[int] = []
        self._names = check_members(path, self._entries(sizes), path.stat().st_size)
        if not self._names:
            raise DataError(f"{path}: no members, or truncated. Download it again.")
        self._sizes = {name: size for name, size in zip(self._names, sizes, strict=True) if name}
        self.names = list(self._sizes)

    def size(self, name: str) -> int:
        return self._sizes[name]

    def check_password(self, password: str | None) -> None:
        """Nothing here is encrypted."""

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        wanted = set(names)
        headers = self._headers(self._lib.RarArchive.open_for_processing)
        for name, header in zip(self._names, headers, strict=False):
            if name not in wanted:
                header.skip()
                continue
            content = _Content(self._sizes[str(name)])
            try:
                header.test(content.add)  # which verifies the checksum
            except self._lib.BadRarFile as error:
                raise self._damaged(str(name)) from error
            if len(content.data) != content.size:
                raise self._damaged(str(name))
            yield str(name), bytes(content.data)

    def _damaged(self, name: str) -> DataError:
        return DataError(f"{self._path}: damaged content (member {shown(name)}). Download it again.")

    def _entries(self, sizes: list[int]) -> Iterator[Entry]:
        """What is checked of each member, while they are read; their sizes are collected."""
        for header in self._headers(self._lib.RarArchive.open_for_metadata):
            name = header.FileNameW.replace("\\", "/")
            if header.headerDataEx.RedirType:
                raise DataError(
                    f"{self._path}: {shown(name)}: a link (expected plain files only). "
                    "Pack the files themselves; nothing was written."
                )
            is_folder = bool(header.Flags & self._lib.FLAGS_RHDF_DIRECTORY)
            sizes.append(header.UnpSize | header.UnpSizeHigh << 32)
            yield Entry(name + "/" * is_folder, sizes[-1])
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


class _Content:
    """A member's bytes as they are unpacked, no more of them than its header tells."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.data = bytearray()

    def add(self, chunk: bytes) -> None:
        if len(self.data) <= self.size:
            self.data += chunk
