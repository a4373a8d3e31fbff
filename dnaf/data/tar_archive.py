"""A tar archive, plain or compressed, read in one pass."""

import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path

from dnaf.data.archive_checks import check_names, check_sizes
from dnaf.errors import DataError


class TarArchive:
    """An `archive.Archive`. A plain tar has no checksums of contents: only what cuts it short is noticed.

    Args:
        where: the file to name in errors, if the tar was made from another one.

    Raises:
        DataError: damaged, a member that is no plain file, an unsafe name, too many or too large members.
    """

    is_encrypted = False

    def __init__(self, path: Path, where: Path | None = None) -> None:
        self._path, self._where = path, where or path
        where = self._where
        names, sizes = [], {}
        with self._opened() as archive:
            for member in archive:
                if not member.isreg() and not member.isdir():
                    raise DataError(
                        f"{where}: {member.name}: a link or device (expected plain files only). Refused."
                    )
                names.append(member.name + "/" * member.isdir())
                if member.isreg():
                    sizes[member.name] = member.size
                check_sizes(where, {member.name: member.size})
            # To the very end, where a compressed file has the checksum of its whole content.
            while archive.fileobj is not None and archive.fileobj.read(1_000_000):
                pass
        check_names(where, names)
        check_sizes(where, sizes)
        self._sizes = sizes
        self.names = list(sizes)

    def num_bytes(self, names: Collection[str]) -> int:
        return sum(self._sizes[name] for name in names)

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        wanted = set(names)
        with self._opened() as archive:
            for member in archive:
                if member.name in wanted and member.isreg():
                    file = archive.extractfile(member)
                    assert file is not None
                    yield member.name, file.read()

    @contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile]:
        try:
            with tarfile.open(self._path, "r:*") as archive:
                yield archive
        # A damaged archive makes tarfile and the decompressors raise any of these.
        except (tarfile.TarError, OSError, EOFError, zlib.error, LZMAError, ValueError) as error:
            raise DataError(
                f"{self._where}: damaged or truncated tar archive ({error}). Download it again."
            ) from error
