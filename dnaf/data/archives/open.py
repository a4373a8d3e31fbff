"""Containers of files that a user may have, read through one interface: zip, tar, RAR, or a plain folder.

Nothing is trusted: names, kinds and sizes of all members are checked before the first one is read, and each
one's content is verified as far as the container allows. Nothing is written here.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from dnaf.core.errors import DataError
from dnaf.core.files import open_regular
from dnaf.data.archives.folder import FolderArchive
from dnaf.data.archives.rar import open_rar
from dnaf.data.archives.tar import TarArchive, is_tar
from dnaf.data.archives.zip import open_zip

_RAR = b"Rar!\x1a\x07"


class Archive(Protocol):
    """An open container whose directory has passed all checks.

    Attributes:
        names: the members' names in the container's order, composed (`filenames.composed`), without folders
            and what systems leave behind.
        is_encrypted: whether any member needs a password.
    """

    names: list[str]
    is_encrypted: bool

    def size(self, name: str) -> int:
        """Bytes of a member's content, as the directory tells it."""
        ...

    def check_password(self, password: str | None) -> None:
        """Tries a password on members of the archive's own choice; without an encrypted member any will do.

        Raises:
            DataError: the password is missing or wrong.
        """
        ...

    def read(self, names: Collection[str], password: str | None = None) -> Iterator[tuple[str, bytes]]:
        """Yields name and content of the named members, verified, in the container's order.

        Raises:
            DataError: a member is missing or damaged, or the password, which is tried first, is missing or
                wrong.
        """
        ...


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Opens a folder or an archive; which kind of archive it is, its content says and not its name.

    Raises:
        DataError: not readable, of an unknown kind, or with members that are refused.
    """
    if path.is_dir():
        yield FolderArchive(path)
        return
    try:
        with open_regular(path) as file:
            start = file.read(len(_RAR))
    except OSError as error:
        raise DataError(
            f"{path}: could not be read ({error.strerror}). See the README in its folder."
        ) from error
    if start == _RAR:
        yield open_rar(path)
    elif start and start[:2] != b"PK" and is_tar(path):
        yield TarArchive(path)
    else:
        with open_zip(path) as archive:
            yield archive
