"""A folder of files, read as if it were an archive."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.core.filenames import is_left_by_system
from dnaf.data.archives.checks import MAX_MEMBER_BYTES, Entry, check_members


class FolderArchive:
    """The files below a folder, sorted by name; an `archive.Archive`. Links in it are refused.

    Raises:
        DataError: a link or device, an unsafe name, too many or too large files.
    """

    is_encrypted = False

    def __init__(self, path: Path) -> None:
        found: list[str] = []
        sizes: list[int] = []
        names = check_members(path, _entries(path, found, sizes))
        taken = sorted(
            (name, path / place, size) for name, place, size in zip(names, found, sizes, strict=True) if name
        )
        self._places = {name: place for name, place, _ in taken}
        self._sizes = {name: size for name, _, size in taken}
        self.names = list(self._places)

    def size(self, name: str) -> int:
        return self._sizes[name]

    def check_password(self, password: str | None) -> None:
        """Nothing here is encrypted."""

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        wanted = set(names)
        for name, place in self._places.items():
            if name in wanted:
                yield name, self._read(place)

    def _read(self, path: Path) -> bytes:
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                data = file.read(MAX_MEMBER_BYTES + 1)
        except OSError as error:
            raise DataError(
                f"{path}: could not be read ({error.strerror}). Check its permissions."
            ) from error
        if len(data) > MAX_MEMBER_BYTES:
            raise DataError(f"{path}: grew while it was read (expected at most {MAX_MEMBER_BYTES:,} bytes).")
        return data


def _entries(folder: Path, found: list[str], sizes: list[int]) -> Iterator[Entry]:
    """What is checked of each file, while they are listed; their paths below the folder are collected."""
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not is_left_by_system(name)]
        names = [name for name in names if not is_left_by_system(name)]
        for name in [*folders, *names]:
            path = Path(place) / name
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise DataError(
                    f"{path}: a link or device (expected plain files only). Replace it by the file."
                )
        for name in names:
            path = Path(place) / name
            found.append(path.relative_to(folder).as_posix())
            sizes.append(path.stat().st_size)
            yield Entry(found[-1], sizes[-1])


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename}: could not be read ({error.strerror}). Check its permissions.")
