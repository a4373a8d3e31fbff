"""A folder of files, read as if it were an archive."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.data.archives.checks import check_names, check_sizes


class FolderArchive:
    """The files below a folder, sorted by name; an `archive.Archive`. Links in it are refused.

    Raises:
        DataError: a link or device, an unsafe name, too many or too large files.
    """

    is_encrypted = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sizes = dict(sorted(check_sizes(path, _list(path))))
        self.names = list(self._sizes)
        check_names(path, self.names)

    def num_bytes(self, names: Collection[str]) -> int:
        return sum(self._sizes[name] for name in names)

    def check_password(self, password: str | None) -> None:
        """Nothing here is encrypted."""

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        wanted = set(names)
        for name in self.names:
            if name in wanted:
                yield name, self._read(self._path / name)

    def _read(self, path: Path) -> bytes:
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                return file.read()
        except OSError as error:
            raise DataError(
                f"{path}: could not be read ({error.strerror}). Check its permissions."
            ) from error


def _list(folder: Path) -> Iterator[tuple[str, int]]:
    for place, folders, names in os.walk(folder, onerror=_refuse):
        for name in [*folders, *names]:
            path = Path(place) / name
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise DataError(
                    f"{path}: a link or device (expected plain files only). Replace it by the file."
                )
        for name in names:
            path = Path(place) / name
            yield path.relative_to(folder).as_posix(), path.stat().st_size


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename}: could not be read ({error.strerror}). Check its permissions.")
