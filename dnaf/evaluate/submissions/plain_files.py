"""Regular files and no others: a folder of results may come out of an archive that somebody else packed.

A link can lead out of the folder, to any file of the disk, or back into it, for ever; reading a named pipe
never ends. DVC's own links, which it checks out instead of copies where `cache.type` is `symlink`, are read.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from dnaf.core.errors import DataError

# How DVC calls what is in its cache, wherever that is: by the digest of the content.
_IN_DVCS_CACHE = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")


def require_plain(path: Path) -> None:
    """Checks that a path is a regular file or a folder.

    Raises:
        DataError: a link that is not DVC's, a named pipe, a socket or a device.
    """
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        target = path.resolve(strict=False)
        if not (_IN_DVCS_CACHE.search(target.as_posix()) and target.is_file()):
            raise DataError(
                f"{path}: a link (found one to {os.readlink(path)}, expected a regular file or a folder). "
                "Put what it leads to in its place."
            )
    elif not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise DataError(
            f"{path}: neither a file nor a folder (found a pipe, socket or device, expected a regular file). "
            "Remove it."
        )


def walk(path: Path, passed_over: Callable[[str], bool]) -> Iterator[Path]:
    """A file itself, or all files below a folder, sorted; each is a regular one.

    Args:
        passed_over: whether a file or folder of this name is not looked at.

    Raises:
        DataError: as `require_plain`, or a folder cannot be listed.
    """
    if passed_over(path.name):
        return
    require_plain(path)
    if not path.is_dir():
        yield path
        return
    try:
        inner = sorted(path.iterdir())
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}). Check its permissions.") from error
    for each in inner:
        yield from walk(each, passed_over)
