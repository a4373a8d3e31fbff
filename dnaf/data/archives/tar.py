"""A tar archive, plain or compressed, read in one pass."""

import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.data.archives.checks import check_names, check_sizes


class TarArchive:
    """An `archive.Archive`. A plain tar has checksums of its headers only, not of contents.

    Raises:
        DataError: damaged, a member that is no plain file, an unsafe name, too many or too large members.
    """

    is_encrypted = False

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as archive:
            members = check_sizes(self._path, self._list(archive))
            # At a damaged or missing header tarfile stops as if that were the end, which is a block of zeros.
            assert archive.fileobj is not None
            archive.fileobj.seek(archive.offset)
            if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError("it does not end as a tar does")
            # To the very end, where a compressed file has the checksum of its whole content.
            while archive.fileobj.read(1_000_000):
                pass
        check_names(self._path, [name for name, _ in members])
        self._sizes = {name: size for name, size in members if not name.endswith("/")}
        self.names = list(self._sizes)

    def num_bytes(self, names: Collection[str]) -> int:
        return sum(self._sizes[name] for name in names)

    def check_password(self, password: str | None) -> None:
        """Nothing here is encrypted."""

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        wanted = set(names)
        with self._opened() as archive:
            for member in archive:
                if member.name in wanted and member.isreg():
                    file = archive.extractfile(member)
                    assert file is not None
                    yield member.name, file.read()

    def _list(self, archive: tarfile.TarFile) -> Iterator[tuple[str, int]]:
        for member in archive:
            if not member.isreg() and not member.isdir():
                raise DataError(
                    f"{self._path}: {member.name}: a link or device (expected plain files only). "
                    "Nothing was written."
                )
            yield member.name + "/" * member.isdir(), member.size

    @contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile]:
        try:
            with tarfile.open(self._path, "r:*") as archive:
                yield archive
        # A damaged archive makes tarfile and the decompressors raise any of these.
        except (tarfile.TarError, OSError, EOFError, zlib.error, LZMAError, ValueError) as error:
            raise DataError(
                f"{self._path}: damaged or truncated tar archive ({error}). Download it again."
            ) from error
