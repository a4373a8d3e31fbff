"""A tar archive, plain or compressed, read in one pass."""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any, Self, cast

from dnaf.core.errors import DataError
from dnaf.core.filenames import shown
from dnaf.core.files import open_regular
from dnaf.data.archives.checks import Entry, check_members, max_unpacked

_MAX_HEADER_BYTES = 65_536  # of a long name, or of all attributes of a member
_OPENERS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
_EXTENDED = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
# A damaged archive makes tarfile and the decompressors raise any of these.
_DAMAGED = (tarfile.TarError, OSError, EOFError, zlib.error, LZMAError, ValueError, RecursionError)
_LABEL = b"V"  # of the whole archive, by `tar --label`


class TarArchive:
    """An `archive.Archive`. A plain tar has checksums of its headers only, not of contents.

    Raises:
        DataError: damaged, a member that is no plain file, an unsafe name, too many or too large members.
    """

    is_encrypted = False

    def __init__(self, path: Path) -> None:
        self._path = path
        sizes: list[int] = []
        with _opened(path) as archive:
            entries = _entries(path, archive, sizes)
            self._names = check_members(path, entries, path.stat().st_size)
            # At a damaged or missing header tarfile stops as if that were the end, which is a block of zeros.
            file = cast(IO[bytes], archive.fileobj)
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError("it does not end as a tar does")
            # To the very end, where a compressed file has the checksum of its whole content.
            while file.read(1_000_000):
                pass
        self._sizes = {name: size for name, size in zip(self._names, sizes, strict=True) if name}
        self.names = list(self._sizes)

    def size(self, name: str) -> int:
        return self._sizes[name]

    def check_password(self, password: str | None) -> None:
        """Nothing here is encrypted."""

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        wanted = set(names)
        with _opened(self._path) as archive:
            for name, member in zip(self._names, _members(archive), strict=False):
                if name in wanted:
                    file = archive.extractfile(member)
                    assert file is not None
                    yield str(name), file.read()


def is_tar(path: Path) -> bool:
    """Whether a file begins as a tar, plain or compressed; one that is cut short or refused counts too."""
    try:
        with _file(path) as file, _tar(file):
            return True
    except (EOFError, zlib.error, LZMAError, RecursionError, _Refused):
        return True  # `TarArchive` says what is wrong
    except (tarfile.TarError, OSError, ValueError):
        return False


class _Refused(tarfile.ReadError):
    """What tarfile would take, or read past."""


class _Header(tarfile.TarInfo):
    """A header whose name ends where its field does, and whose attributes are of a size that can be read.

    `_proc_member` is where `tarfile` lets subclasses look (CPython@3.13:Lib/tarfile.py:1333-1340).
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        fields = [buf[:100]] + ([buf[345:500]] if buf[257:263] == b"ustar\0" else [])
        for field in fields:
            if b"\0" in bytes(field).rstrip(b"\0"):
                raise _Refused(f"a name goes on behind its end ({bytes(field).rstrip(bytes(1))!r:.100})")
        return header

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in _EXTENDED and self.size > _MAX_HEADER_BYTES:
            raise _Refused(f"a header of {self.size:,} bytes, expected at most {_MAX_HEADER_BYTES:,}")
        if self.type == tarfile.GNUTYPE_SPARSE:
            return self._proc_builtin(archive)  # type: ignore[attr-defined]
        member = super()._proc_member(archive)  # type: ignore[misc]
        if self.type == tarfile.GNUTYPE_LONGNAME and not 0 <= self.size - _num_bytes(member.name) <= 2:
            raise _Refused(f"a name goes on behind its end ({member.name!r:.100})")
        return member

    def _proc_gnusparse_10(self, member: Any, *_: Any) -> None:
        member.sparse = []  # not its map, which may be as long as the archive: `_entries` refuses it


class _Unpacked:
    """The bytes of a compressed file, and no more of them than an archive of images has."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit = file, limit

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, self._limit) if size >= 0 else self._limit)
        if self._file.tell() > self._limit:
            raise _Refused(f"packed too tightly for images, to more than {self._limit:,} bytes")
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        if not whence and position > self._limit:
            raise _Refused(f"packed too tightly for images, to more than {self._limit:,} bytes")
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    with open_regular(path) as file:
        start = file.read(6)
        for magic, opener in _OPENERS:
            if start.startswith(magic):
                with opener(path, "rb") as unpacked:
                    limit = max_unpacked(path.stat().st_size)
                    yield cast(IO[bytes], _Unpacked(cast(IO[bytes], unpacked), limit))
                return
        file.seek(0)
        yield file


def _tar(file: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="r:", tarinfo=_Header, encoding="utf-8")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with _file(path) as file, _tar(file) as archive:
            yield archive
    except _DAMAGED as error:
        raise DataError(f"{path}: damaged or truncated tar archive ({error}). Download it again.") from error


def _entries(path: Path, archive: tarfile.TarFile, sizes: list[int]) -> Iterator[Entry]:
    """What is checked of each member, while they are read; their sizes are collected."""
    for member in _members(archive):
        problem = None
        if member.type == _LABEL:
            member.name, member.type = ".", tarfile.DIRTYPE
        if member.type == tarfile.GNUTYPE_SPARSE or member.sparse is not None:
            problem = "a file with holes (expected plain files only). Pack again without `--sparse`"
        elif not member.isreg() and not member.isdir():
            problem = (
                "a link or device (expected plain files only). "
                "Pack again with `tar --dereference --hard-dereference`"
            )
        if problem:
            raise DataError(f"{path}: {shown(member.name)}: {problem}; nothing was written.")
        sizes.append(member.size)
        yield Entry(member.name.removesuffix("/") + "/" * member.isdir(), member.size)


def _num_bytes(name: str) -> int:
    return len(name.encode(errors="surrogateescape"))


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members in their order; tarfile would keep all it has seen in memory."""
    while (member := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]
        yield member
