"""Reading a user's zip without trusting it.

`zipfile` parses the directory; payloads are read, decrypted, inflated and verified here, because `zipfile`
decrypts at 1 to 2 MB/s and takes one wrong password in 256 for the right one until the CRC. Members with AES
encryption are read by `pyzipper`; its key derivation takes about a millisecond a member, by design.
"""

import os
import shutil
import stat
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import IO
from zipfile import ZipInfo

import pyzipper

from dnaf.core.errors import DataError
from dnaf.data.archives import passwords, zipcrypto
from dnaf.data.archives.checks import MAX_MEMBER_BYTES, MAX_RATIO, check_names, check_sizes

_BATCH_MEMBERS = 4096  # decrypted together; speed grows with their number
_BATCH_BYTES = 128_000_000
_NUM_PASSWORD_CHECKS = 3
_FEWEST_TELLING = 16  # bytes of a member on which a password is tried
# Decrypts faster than Python. `unzip` and `bsdtar` would too, but show the password among their arguments.
_STREAMER = shutil.which("7zz") or shutil.which("7z")
_FEWEST_STREAMED = 512  # members; for fewer a process is not worth starting
_ENCRYPTED, _STRONG = 0x1, 0x40  # general purpose flags
_STORED, _DEFLATED, _AES = 0, 8, 99
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")

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

    def __init__(self, path: Path, file: IO[bytes], members: list[ZipInfo]) -> None:
        self._path, self._file = path, file
        self._aes_file: pyzipper.AESZipFile | None = None
        self._members = {info.filename: info for info in members if not info.is_dir()}
        self.names = list(self._members)
        self.is_encrypted = any(info.flag_bits & _ENCRYPTED for info in members)

    def num_bytes(self, names: Collection[str]) -> int:
        return sum(info.file_size for info in self._find(names))

    def check_password(self, password: str | None) -> None:
        """See `archive.Archive`. Small members are tried, to the CRC; one that comes out right proves it."""
        encrypted = [info for info in self._members.values() if info.flag_bits & _ENCRYPTED]
        if not encrypted:
            return
        remedy = f"Set {passwords.VARIABLE}; nothing was written."
        # Of nothing, or of a byte or two, any password makes the right content now and then.
        telling = [info for info in encrypted if info.file_size >= _FEWEST_TELLING] or encrypted
        smallest = sorted(telling, key=lambda info: info.compress_size)[:_NUM_PASSWORD_CHECKS]
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
            for info, data in self._stream(key):
                if info is wanted[num_streamed]:
                    yield info.filename, data
                    num_streamed += 1
                    if num_streamed == len(wanted):
                        return  # what follows is not asked for
        for batch in _batches(wanted[num_streamed:]):
            for info, content in zip(batch, self._contents(batch, key), strict=True):
                if content is None:
                    raise self._error(info, "damaged content", "Download the archive again.")
                yield info.filename, content

    def _find(self, names: Collection[str]) -> list[ZipInfo]:
        for name in names:
            if name not in self._members:
                raise DataError(f"{self._path}: no such member (expected {name}). Download it again.")
        return sorted((self._members[name] for name in set(names)), key=lambda info: info.header_offset)

    def _pays_to_stream(self, wanted: list[ZipInfo]) -> bool:
        """Whether most of a large encrypted archive is wanted, in the order in which it stands there."""
        every = list(self._members.values())
        return (
            _STREAMER is not None
            and len(wanted) >= _FEWEST_STREAMED
            and 2 * len(wanted) > len(every)
            and all(info.compress_type != _AES for info in every)
            and all(a.header_offset < b.header_offset for a, b in pairwise(every))
        )

    def _stream(self, password: bytes) -> Iterator[tuple[ZipInfo, bytes]]:
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
                for info in self._members.values():
                    data = process.stdout.read(info.file_size)
                    if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
                        return
                    yield info, data
            finally:
                process.kill()

    def _contents(self, members: Sequence[ZipInfo], password: bytes | None) -> Iterator[bytes | None]:
        """Contents of members that are decrypted together; None for one that is not what it should be."""
        payloads = {info.filename: self._payload(info) for info in members if info.compress_type != _AES}
        encrypted = [i for i in members if i.filename in payloads and i.flag_bits & _ENCRYPTED]
        if encrypted and password is not None:
            plain = zipcrypto.decrypt([payloads[info.filename] for info in encrypted], password)
            payloads |= zip((info.filename for info in encrypted), plain, strict=True)
        for info in members:
            if info.compress_type == _AES:
                yield self._read_aes(info, password)
            else:
                yield _inflate(info, payloads[info.filename])

    def _read_aes(self, info: ZipInfo, password: bytes | None) -> bytes | None:
        if self._aes_file is None:
            self._aes_file = pyzipper.AESZipFile(self._file)
        try:
            with self._aes_file.open(info.filename, pwd=password) as file:
                data = file.read(info.file_size + 1)
                # Reading on to the end is what makes the library check the authentication code.
                return data if len(data) == info.file_size and not file.read(1) else None
        except NotImplementedError as error:
            raise self._error(info, f"unsupported method ({error})", _BY_HAND) from error
        # A wrong password is a RuntimeError; a damaged member can be any of the others.
        except (RuntimeError, pyzipper.BadZipFile, zlib.error, EOFError, ValueError, struct.error, KeyError):
            return None

    def _payload(self, info: ZipInfo) -> bytes:
        """The member's bytes as they stand in the file; its local header must agree with the directory."""
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) == _LOCAL_HEADER.size:
            signature, _, flags, method, _, _, _, _, _, len_name, len_extra = _LOCAL_HEADER.unpack(header)
            is_encrypted = bool(flags & _ENCRYPTED) == bool(info.flag_bits & _ENCRYPTED)
            if signature == b"PK\x03\x04" and method == info.compress_type and is_encrypted:
                self._file.seek(len_name + len_extra, os.SEEK_CUR)
                payload = self._file.read(info.compress_size)
                if len(payload) == info.compress_size:
                    return payload
        raise self._error(info, "damaged or truncated", "Download the archive again.")

    def _error(self, info: ZipInfo, problem: str, remedy: str) -> DataError:
        return DataError(f"{self._path}: {problem} (member {info.filename}). {remedy}")


@contextmanager
def open_zip(path: Path) -> Iterator[ZipArchive]:
    """Opens a zip archive and checks its whole directory: names, kinds, sizes, methods.

    Stored and deflated members are read, plain, with the PKWARE cipher or with AES.

    Raises:
        DataError: not a zip; a name that could leave the target folder or meet another one; a link; a bomb;
            a method that is not supported.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise DataError(
            f"{path}: could not be read ({error.strerror}). See the README in its folder."
        ) from error
    with file:
        members = _read_directory(path, file)
        check_names(path, [info.orig_filename for info in members])
        _check_members(path, members)
        yield ZipArchive(path, file, members)


def _key(password: str) -> bytes:
    """The password's bytes just as they are in the environment, whether or not they are text there."""
    return os.fsencode(password)


def _read_directory(path: Path, file: IO[bytes]) -> list[ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()
    # A damaged directory makes zipfile raise any of these.
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        struct.error,
        OSError,
        EOFError,
        OverflowError,
        IndexError,
    ) as error:
        raise DataError(
            f"{path}: not a readable zip archive (found {_kind(file)}: {error}). Download it again, as a zip."
        ) from error


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


def _check_members(path: Path, members: list[ZipInfo]) -> None:
    """Refuses what cannot be read, what is no plain file, and what would fill memory or disk."""
    check_sizes(path, ((info.filename, info.file_size) for info in members))
    for info in members:
        problem = _problem(info)
        if problem:
            raise DataError(f"{path}: {info.filename}: {problem}")
    in_order = sorted(members, key=lambda info: info.header_offset)
    for info, following in pairwise(in_order):
        if info.header_offset + _LOCAL_HEADER.size + info.compress_size > following.header_offset:
            raise DataError(
                f"{path}: members overlap ({info.filename}, {following.filename}). Nothing was written."
            )


def _problem(info: ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or device (expected plain files only). Nothing was written."
    if info.compress_type not in (_STORED, _DEFLATED, _AES) or info.flag_bits & _STRONG:
        return f"unsupported method (found {info.compress_type}, expected stored or deflated). {_BY_HAND}"
    if info.compress_size > MAX_MEMBER_BYTES:
        return (
            f"too large (found {info.compress_size:,}, expected at most {MAX_MEMBER_BYTES:,} bytes). "
            "Nothing was written."
        )
    if info.file_size > MAX_RATIO * info.compress_size:
        return f"packed too tightly for an image (expected at most {MAX_RATIO} : 1). Nothing was written."
    if info.header_offset < 0:
        return "damaged: it starts before the file. Download the archive again."
    if info.compress_type == _AES and not info.flag_bits & _ENCRYPTED:
        return "damaged: encrypted by its method but not by its flag. Download the archive again."
    if info.flag_bits & _ENCRYPTED and info.compress_size < zipcrypto.HEADER_SIZE:
        return "damaged: shorter than its encryption header. Download the archive again."
    return None


def _batches(members: list[ZipInfo]) -> Iterator[list[ZipInfo]]:
    batch: list[ZipInfo] = []
    num_bytes = 0
    for info in members:
        if batch and (len(batch) == _BATCH_MEMBERS or num_bytes + info.compress_size > _BATCH_BYTES):
            yield batch
            batch, num_bytes = [], 0
        batch.append(info)
        num_bytes += info.compress_size
    if batch:
        yield batch


def _inflate(info: ZipInfo, payload: bytes) -> bytes | None:
    """The member's content; None if it is not what size and CRC promise."""
    if info.compress_type == _STORED:
        data = payload
    else:
        inflater = zlib.decompressobj(wbits=-15)
        try:
            data = inflater.decompress(payload, info.file_size + 1)  # a lying size cannot fill the memory
        except zlib.error:
            return None
        if not inflater.eof or inflater.unused_data:
            return None
    return data if len(data) == info.file_size and zlib.crc32(data) == info.CRC else None
