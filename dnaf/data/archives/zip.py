"""Reading a user's zip without trusting it.

Payloads are read, decrypted, inflated and verified here, because `zipfile` decrypts at 1 to 2 MB/s and takes
one wrong password in 256 for the right one until the CRC. Members with AES encryption are read by `pyzipper`;
its key derivation takes about a millisecond a member, by design.
"""

import os
import shutil
import stat
import struct
import subprocess
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import IO

import pyzipper

from dnaf.core.errors import DataError
from dnaf.core.filenames import shown
from dnaf.core.files import open_regular
from dnaf.data.archives import passwords, zipcrypto
from dnaf.data.archives.checks import MAX_MEMBER_BYTES, MAX_RATIO, Entry, check_count, check_members
from dnaf.data.archives.zip_directory import (
    ENCRYPTED,
    STRONG,
    BadDirectory,
    Member,
    find_directory,
    read_local_header,
)

_BATCH_MEMBERS = 4096  # decrypted together; speed grows with their number
_BATCH_BYTES = 128_000_000
_NUM_PASSWORD_CHECKS = 3
_FEWEST_TELLING = 16  # bytes of a member on which a password is tried
# Decrypts faster than Python. `unzip` and `bsdtar` would too, but show the password among their arguments.
_STREAMER = shutil.which("7zz") or shutil.which("7z")
_FEWEST_STREAMED = 512  # members; for fewer a process is not worth starting
_STORED, _DEFLATED, _AES = 0, 8, 99
_SHORTEST_HEADER = 30  # bytes of a local header without its name

_BY_HAND = "Unpack the archive with 7z where it is, remove the archive and run again."
_KINDS = (
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
    (b"version https://git-lfs", "a Git LFS pointer"),
    (b"PK\x03\x04", "a truncated zip"),
)


class ZipArchive:
    """An open zip whose directory has passed all checks; an `archive.Archive`, see `open_zip`."""

    def __init__(
        self, path: Path, file: IO[bytes], members: list[Member], names: Sequence[str | None]
    ) -> None:
        self._path, self._file = path, file
        self._aes_file: pyzipper.AESZipFile | None = None
        self._files = [member for member in members if not member.name.endswith("/")]
        self._members = {name: member for name, member in zip(names, members, strict=True) if name}
        self._name_of = {member.index: name for name, member in self._members.items()}
        self.names = sorted(self._members, key=lambda name: self._members[name].offset)
        self.num_left_by_systems = len(self._files) - len(self._members)
        self.is_encrypted = any(member.flags & ENCRYPTED for member in self._members.values())

    def size(self, name: str) -> int:
        return self._members[name].size

    def check_password(self, password: str | None) -> None:
        """See `archive.Archive`. Small members are tried, to the CRC; one that comes out right proves it."""
        encrypted = [member for member in self._members.values() if member.flags & ENCRYPTED]
        if not encrypted:
            return
        remedy = f"Set {passwords.VARIABLE}; nothing was written."
        # Of nothing, or of a byte or two, any password makes the right content now and then.
        telling = [member for member in encrypted if member.size >= _FEWEST_TELLING] or encrypted
        smallest = sorted(telling, key=lambda member: member.packed_size)[:_NUM_PASSWORD_CHECKS]
        if password is None:
            raise self._error(smallest[0], "password needed", remedy)
        if all(data is None for data in self._contents(smallest, _key(password))):
            raise self._error(smallest[0], "wrong password", remedy)

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        """See `archive.Archive`. Members are decrypted by thousands: the first one takes a while, and memory
        is bounded by about 0.6 GB.
        """
        wanted = self._find(names)
        self.check_password(password)
        key = None if password is None else _key(password)
        num_streamed = 0
        if key is not None and self._pays_to_stream(wanted):
            for member, data in self._stream(key):
                if member is wanted[num_streamed]:
                    yield self._name_of[member.index], data
                    num_streamed += 1
                    if num_streamed == len(wanted):
                        return  # what follows is not asked for
        for batch in _batches(wanted[num_streamed:]):
            for member, content in zip(batch, self._contents(batch, key), strict=True):
                if content is None:
                    raise self._error(member, "damaged content", "Download the archive again.")
                yield self._name_of[member.index], content

    def _find(self, names: Collection[str]) -> list[Member]:
        for name in names:
            if name not in self._members:
                raise DataError(f"{self._path}: no such member (expected {shown(name)}). Download it again.")
        return sorted((self._members[name] for name in set(names)), key=lambda member: member.offset)

    def _pays_to_stream(self, wanted: list[Member]) -> bool:
        """Whether most of a large encrypted archive is wanted, in the order in which it stands there."""
        return (
            _STREAMER is not None
            and len(wanted) >= _FEWEST_STREAMED
            and 2 * len(wanted) > len(self._files)
            and all(member.method != _AES for member in self._files)
            and all(a.offset < b.offset for a, b in pairwise(self._files))
        )

    def _stream(self, password: bytes) -> Iterator[tuple[Member, bytes]]:
        """Members as 7-Zip decrypts them, each verified, up to the first that is not as it should be.

        The password goes through a pipe: arguments can be seen by everyone on the machine. What remains is
        read in Python, which also tells what is wrong with it.
        """
        command = [str(_STREAMER), "x", "-so", "-bd", "--", str(self._path)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                with suppress(BrokenPipeError):
                    process.stdin.write(password + b"\n")
                    process.stdin.close()
                for member in self._files:
                    data = process.stdout.read(member.size)
                    if len(data) != member.size or zlib.crc32(data) != member.crc:
                        return
                    if read_local_header(self._file, member) is None:
                        return
                    yield member, data
            finally:
                process.kill()

    def _contents(self, members: Sequence[Member], password: bytes | None) -> Iterator[bytes | None]:
        """Contents of members that are decrypted together; None for one that is not what it should be."""
        payloads = {member.index: self._payload(member) for member in members if member.method != _AES}
        encrypted = [m.index for m in members if m.index in payloads and m.flags & ENCRYPTED]
        if encrypted and password is not None:
            plain = zipcrypto.decrypt([payloads[index] for index in encrypted], password)
            payloads |= zip(encrypted, plain, strict=True)
        for member in members:
            if member.method == _AES:
                yield self._read_aes(member, password)
            else:
                yield _inflate(member, payloads.pop(member.index))

    def _read_aes(self, member: Member, password: bytes | None) -> bytes | None:
        if read_local_header(self._file, member) is None:
            raise self._error(member, "damaged or truncated", "Download the archive again.")
        try:
            if self._aes_file is None:
                self._aes_file = pyzipper.AESZipFile(self._file)
            info = self._aes_file.infolist()[member.index]  # by its position: two may have one name there
            with self._aes_file.open(info, pwd=password) as file:
                data = file.read(member.size + 1)
                # Reading on to the end is what makes the library check the authentication code.
                return data if len(data) == member.size and not file.read(1) else None
        except NotImplementedError as error:
            raise self._error(member, f"unsupported method ({error})", _BY_HAND) from error
        # A wrong password is a RuntimeError; a damaged member can be any of the others.
        except (
            RuntimeError,
            pyzipper.BadZipFile,
            zlib.error,
            EOFError,
            ValueError,
            struct.error,
            LookupError,
        ):
            return None

    def _payload(self, member: Member) -> bytes:
        """The member's bytes as they stand in the file; its local header must agree with the directory."""
        start = read_local_header(self._file, member)
        if start is not None:
            self._file.seek(start)
            payload = self._file.read(member.packed_size)
            if len(payload) == member.packed_size:
                return payload
        raise self._error(member, "damaged or truncated", "Download the archive again.")

    def _error(self, member: Member, problem: str, remedy: str) -> DataError:
        return DataError(f"{self._path}: {problem} (member {shown(member.name)}). {remedy}")


@contextmanager
def open_zip(path: Path) -> Iterator[ZipArchive]:
    """Opens a zip archive and checks its whole directory: names, kinds, sizes, methods.

    Stored and deflated members are read, plain, with the PKWARE cipher or with AES.

    Raises:
        DataError: not a zip; a name that could leave the target folder or meet another one; a link; a bomb;
            a method that is not supported.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        raise DataError(
            f"{path}: could not be read ({error.strerror}). See the README in its folder."
        ) from error
    with file:
        members: list[Member] = []
        try:
            directory = find_directory(file)
            check_count(path, directory.count)
            names = check_members(path, _entries(directory.members(), members))
        except BadDirectory as error:
            raise DataError(
                f"{path}: not a readable zip archive (found {_kind(file)}: {error}). "
                "Download it again, as a zip."
            ) from error
        _check_kinds(path, [member for name, member in zip(names, members, strict=True) if name])
        yield ZipArchive(path, file, members, names)


def _key(password: str) -> bytes:
    """The password's bytes just as they are in the environment, whether or not they are text there."""
    return os.fsencode(password)


def _entries(members: Iterator[Member], seen: list[Member]) -> Iterator[Entry]:
    """What is checked of each member, while they are read and collected."""
    for member in members:
        seen.append(member)
        yield member.entry


def _kind(file: IO[bytes]) -> str:
    """What a file that is not a zip seems to be; a download page saved under the archive's name, often."""
    file.seek(0)
    start = file.read(512)
    if not start:
        return "an empty file"
    for magic, kind in _KINDS:
        if start.startswith(magic):
            return kind
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return "unknown content"


def _check_kinds(path: Path, members: list[Member]) -> None:
    """Refuses what cannot be read, what is no plain file, and what would fill memory or disk."""
    length = path.stat().st_size
    for member in members:
        problem = _problem(member, length)
        if problem:
            raise DataError(f"{path}: {shown(member.name)}: {problem}")
    in_order = sorted(members, key=lambda member: member.offset)
    for member, following in pairwise(in_order):
        if member.offset + _SHORTEST_HEADER + member.packed_size > following.offset:
            raise DataError(
                f"{path}: members overlap ({shown(member.name)}, {shown(following.name)}). "
                "Download it again; nothing was written."
            )


def _problem(member: Member, length: int) -> str | None:
    if member.kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return (
            "a link or device (expected plain files only). "
            "Pack the files again without `--symlinks`; nothing was written."
        )
    if member.method not in (_STORED, _DEFLATED, _AES) or member.flags & STRONG:
        return f"unsupported method (found {member.method}, expected stored or deflated). {_BY_HAND}"
    if member.packed_size > MAX_MEMBER_BYTES:
        return (
            f"too large (found {member.packed_size:,}, expected at most {MAX_MEMBER_BYTES:,} bytes). "
            "Nothing was written."
        )
    if member.size > MAX_RATIO * member.packed_size:
        return f"packed too tightly for an image (expected at most {MAX_RATIO} : 1). Nothing was written."
    if member.offset + _SHORTEST_HEADER + member.packed_size > length:
        return "damaged: it lies behind the end of the file. Download the archive again."
    if member.method == _AES and not member.flags & ENCRYPTED:
        return "damaged: encrypted by its method but not by its flag. Download the archive again."
    if member.flags & ENCRYPTED and member.packed_size < zipcrypto.HEADER_SIZE:
        return "damaged: shorter than its encryption header. Download the archive again."
    return None


def _batches(members: list[Member]) -> Iterator[list[Member]]:
    batch: list[Member] = []
    num_bytes = 0
    for member in members:
        if batch and (len(batch) == _BATCH_MEMBERS or num_bytes + member.packed_size > _BATCH_BYTES):
            yield batch
            batch, num_bytes = [], 0
        batch.append(member)
        num_bytes += member.packed_size
    if batch:
        yield batch


def _inflate(member: Member, payload: bytes) -> bytes | None:
    """The member's content; None if it is not what size and CRC promise."""
    if member.method == _STORED:
        data = payload
    else:
        inflater = zlib.decompressobj(wbits=-15)
        try:
            data = inflater.decompress(payload, member.size + 1)  # a lying size cannot fill the memory
        except zlib.error:
            return None
        if not inflater.eof or inflater.unused_data:
            return None
    return data if len(data) == member.size and zlib.crc32(data) == member.crc else None
