"""A RAR archive, read in one pass: starting a program for each of 52,712 members would take an hour.

By the package `unrar2-cffi`, the optional extra `rar`. Not by `bsdtar`: libarchive 3.6 takes one with a wrong
checksum, and one that is cut behind its signature, for intact.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from dnaf.core import commands
from dnaf.core.errors import DataError
from dnaf.data.archives.checks import check_names, check_sizes

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
        members = check_sizes(path, self._list())
        if not members:
            raise DataError(f"{path}: no members, or truncated. Download it again.")
        check_names(path, [name for name, _ in members])
        self._sizes = {name: size for name, size in members if not name.endswith("/")}
        self.names = list(self._sizes)

    def num_bytes(self, names: Collection[str]) -> int:
        return sum(self._sizes[name] for name in names)

    def check_password(self, password: str | None) -> None:
        """Nothing here is encrypted."""

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
