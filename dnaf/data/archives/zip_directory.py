"""The directory of a zip, read with every name that it gives a member.

Not by `zipfile`: since Python 3.12 it puts the name of an extra field in the place of the one that was there
(CPython@3.13:Lib/zipfile/__init__.py:546-557), and it parses any number of entries before it can be asked.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16, 4.5.3 (zip64) and 4.6.9 (Unicode path).
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from dnaf.data.archives.checks import Entry

ENCRYPTED, STRONG = 0x1, 0x40  # general purpose flags

_UTF_8 = 0x800
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s4B4H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 65_535
_MAX_BYTES = 100_000_000  # of the directory: 500 for each of the most members
_ZIP_64, _UNICODE_PATH = 0x0001, 0x7075  # kinds of extra fields
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFF_FFFF
_DOS, _NTFS, _VFAT = 0, 10, 14  # systems on which a backslash divides folders
_DOS_FOLDER = 0x10


class BadDirectory(Exception):
    """What is wrong with a directory, as a part of a sentence."""


@dataclass(frozen=True)
class Member:
    """A member as the directory describes it.

    Attributes:
        index: its position in the directory.
        entry: its names and the size of its content.
        raw_name: the bytes of its name, which stand in its local header too.
        kind: the file type of its Unix mode (`stat.S_IFLNK`, ...); 0 where there is none.
        offset: of its local header in the file.
    """

    index: int
    entry: Entry
    raw_name: bytes
    kind: int
    flags: int
    method: int
    crc: int
    packed_size: int
    offset: int

    @property
    def name(self) -> str:
        """As the archive gives it, for errors."""
        return self.entry.name

    @property
    def size(self) -> int:
        """Bytes of its content."""
        return self.entry.size


@dataclass(frozen=True)
class Directory:
    """Where a zip's directory is.

    Attributes:
        count: number of members that the end of the zip tells; above 65,535 perhaps without the thousands.
        data: the directory.
        start: bytes before the zip in its file, as of a self-extracting one.
    """

    count: int
    data: bytes
    start: int

    def members(self) -> Iterator[Member]:
        """The members in the directory's order.

        Raises:
            BadDirectory: damaged.
        """
        position = index = 0
        while position < len(self.data):
            member, position = self._member(index, position)
            yield member
            index += 1
        if index & _FULL_16 != self.count & _FULL_16:
            raise BadDirectory(f"its directory has {index:,} entries, its end says {self.count:,}")

    def _member(self, index: int, position: int) -> tuple[Member, int]:
        start = position + _ENTRY.size
        if start > len(self.data):
            raise BadDirectory("its directory is cut short")
        fields = _ENTRY.unpack_from(self.data, position)
        signature, _, system, _, _, flags, method, _, _, crc, packed_size, size, *lengths = fields
        len_name, len_extra, len_comment, _, _, attributes, offset = lengths
        end = start + len_name + len_extra + len_comment
        if signature != b"PK\x01\x02" or end > len(self.data):
            raise BadDirectory("its directory is damaged")
        raw_name = self.data[start : start + len_name]
        extra = dict(_extra_fields(self.data[start + len_name : start + len_name + len_extra]))
        size, packed_size, offset = _wide([size, packed_size, offset], extra.get(_ZIP_64, b""))
        names = [_with_slashes(name, system) for name in _names(raw_name, flags, extra)]
        kind = stat.S_IFMT(attributes >> 16)
        if kind == stat.S_IFDIR or (attributes & _DOS_FOLDER and not size):
            names = [name.removesuffix("/") + "/" for name in names]
        entry = Entry(names[0], size, tuple(names[1:]))
        return Member(index, entry, raw_name, kind, flags, method, crc, packed_size, offset + self.start), end


def find_directory(file: IO[bytes]) -> Directory:
    """Finds and reads a zip's directory; of a longer file only its end is looked at before.

    Raises:
        BadDirectory: not a zip, damaged, one part of several, or a directory too large for any data set.
    """
    length = file.seek(0, 2)
    tail_start = max(0, length - _LONGEST_COMMENT - _END.size - _END_64.size - _LOCATOR_64.size)
    file.seek(tail_start)
    tail = file.read()
    position = tail.rfind(b"PK\x05\x06")
    if position < 0 or position + _END.size > len(tail):
        raise BadDirectory("it does not end as a zip does")
    _, disk, first_disk, _, count, size, offset, _ = _END.unpack_from(tail, position)
    end = tail_start + position
    at = position - _LOCATOR_64.size - _END_64.size
    if at >= 0 and tail[at : at + 4] == b"PK\x06\x06" and tail[at + _END_64.size :][:4] == b"PK\x06\x07":
        _, _, _, _, disk, first_disk, _, count, size, offset = _END_64.unpack_from(tail, at)
        end = tail_start + at
    if disk or first_disk:
        raise BadDirectory("it is one part of several: join them, as by `zip -s 0`")
    if size > _MAX_BYTES:
        raise BadDirectory(f"its directory has {size:,} bytes, expected at most {_MAX_BYTES:,}")
    start = end - size - offset
    if start < 0:
        raise BadDirectory("its directory is damaged")
    if start > _FULL_32:  # the Finder keeps 32 bits of each offset of more than 4 GB
        raise BadDirectory("its offsets do not fit its length: pack the files again with `zip` or 7-Zip")
    file.seek(end - size)
    return Directory(count, file.read(size), start)


def read_local_header(file: IO[bytes], member: Member) -> int | None:
    """Where a member's payload starts; None if its own header is not what the directory says of it.

    A name there that the directory does not have is refused so: other programs would use that one.
    """
    file.seek(member.offset)
    header = file.read(_LOCAL.size)
    if len(header) != _LOCAL.size:
        return None
    signature, _, flags, method, _, _, _, _, _, len_name, len_extra = _LOCAL.unpack(header)
    names = file.read(len_name + len_extra)
    if (
        signature != b"PK\x03\x04"
        or method != member.method
        or (flags ^ member.flags) & ENCRYPTED
        or names[:len_name] != member.raw_name
    ):
        return None
    try:
        extra = dict(_extra_fields(names[len_name:]))
        known = {_with_slashes(name, _DOS) for name in (member.entry.name, *member.entry.spellings)}
        names_here = {_with_slashes(name, _DOS) for name in _names(member.raw_name, member.flags, extra)}
    except BadDirectory:
        return None
    if {name.removesuffix("/") for name in names_here} - {name.removesuffix("/") for name in known}:
        return None
    return member.offset + _LOCAL.size + int(len_name) + int(len_extra)


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if position + 4 + length > len(extra):
            raise BadDirectory("an extra field is cut short")
        yield kind, extra[position + 4 : position + 4 + length]
        position += 4 + length


def _wide(values: list[int], zip_64: bytes) -> list[int]:
    """Sizes and offset, those that do not fit 32 bits taken from the extra field (4.5.3)."""
    wide = []
    for value in values:
        if value == _FULL_32:
            if len(zip_64) < 8:
                raise BadDirectory("a zip64 field is cut short")
            value, zip_64 = int.from_bytes(zip_64[:8], "little"), zip_64[8:]
        wide.append(value)
    return wide


def _names(raw: bytes, flags: int, extra: dict[int, bytes]) -> list[str]:
    """All names of a member, the one that is used first: the Unicode path, if it is of this very name."""
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        if flags & _UTF_8:
            raise BadDirectory(f"a name is not UTF-8 ({raw[:80]!r})") from error
        name = raw.decode("cp437")  # the Finder and `zip` on Linux write UTF-8 without saying so
    field = extra.get(_UNICODE_PATH, b"")
    if len(field) <= 5:
        return [name]
    version, crc = struct.unpack_from("<BL", field)
    try:
        path = field[5:].decode()
    except UnicodeDecodeError as error:
        raise BadDirectory(f"a name is not UTF-8 ({field[5:85]!r})") from error
    return [path, name] if version == 1 and crc == zlib.crc32(raw) else [name, path]


def _with_slashes(name: str, system: int) -> str:
    """The name with `/` between its parts; old PowerShells write `\\`."""
    return name.replace("\\", "/") if system in (_DOS, _NTFS, _VFAT) else name
