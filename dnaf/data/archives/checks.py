"""What an archive's directory may say, whatever its kind: names, sizes, numbers.

A name must mean one file inside the target folder on every system; sizes must fit memory and disk. What
file managers leave behind is no member.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from dnaf.core.errors import DataError
from dnaf.core.filenames import composed, folded, is_left_by_system, shown, unsafe

MAX_MEMBERS = 500_000  # the largest set of the field has 409,270 images, DeepFashion 52,712
MAX_MEMBER_BYTES = 40_000_000
MAX_TOTAL_BYTES = 40_000_000_000
MAX_RATIO = 200  # of unpacked to packed; photographs are near 1, 50 MB of zeros pack 1,027 : 1

_FREE_BYTES = 1_000_000  # unpacked, to which no ratio applies: a tar is filled up with zeros
_AGAIN = "Pack the files again, with names relative to their folder; nothing was written."
_REMEDIES = {
    "an absolute path": _AGAIN,
    "it leaves the folder": _AGAIN,
    "an empty part": _AGAIN,
    "a backslash": "Pack the files again with 7-Zip, or rename them; nothing was written.",
}
_RENAME = "Rename the file and pack again; nothing was written."


class Entry(NamedTuple):
    """A member as an archive describes it.

    Attributes:
        name: as it is used, parts divided by `/`; a folder's ends with one.
        size: bytes of its content.
        spellings: other names that the archive gives it, which other programs may take.
    """

    name: str
    size: int
    spellings: tuple[str, ...] = ()


def check_members(path: Path, entries: Iterable[Entry], packed_bytes: int | None = None) -> list[str | None]:
    """Checks all that an archive's directory says, and returns each member's name, by its position.

    Stops at the first member that is too much, so that entries may be read while they are checked.

    Args:
        packed_bytes: size of the archive, where it is compressed.

    Returns:
        Names in composed form without a leading `./`; None for folders and for what systems leave behind.

    Raises:
        DataError: too many members or bytes, or a name that leaves the folder, is not portable, or meets
            another one there.
    """
    told = list(_within_limits(path, entries, packed_bytes))
    names = [_plain(entry.name) for entry in told]
    _check_names(path, names)
    for entry in told:
        for spelling in map(_plain, entry.spellings):
            _check_safe(path, spelling)
    return [None if name.endswith("/") or is_left_by_system(name) else name or None for name in names]


def check_count(path: Path, count: int) -> None:
    """Refuses (DataError) more members than a data set has."""
    if count > MAX_MEMBERS:
        raise DataError(
            f"{path}: too many members (found {count:,}, expected at most {MAX_MEMBERS:,}). "
            "Divide it, or remove what is no image; nothing was written."
        )


def max_unpacked(packed_bytes: int) -> int:
    """Bytes that an archive of images may unpack to."""
    return max(_FREE_BYTES, MAX_RATIO * packed_bytes)


def _within_limits(path: Path, entries: Iterable[Entry], packed_bytes: int | None) -> Iterable[Entry]:
    total = 0
    for number, entry in enumerate(entries, start=1):
        check_count(path, number)
        if not 0 <= entry.size <= MAX_MEMBER_BYTES:
            raise DataError(
                f"{path}: {shown(entry.name)}: too large (found {entry.size:,} bytes, expected at most "
                f"{MAX_MEMBER_BYTES:,}). Remove it, if it is no image; nothing was written."
            )
        total += entry.size
        if total > MAX_TOTAL_BYTES:
            raise DataError(
                f"{path}: too large (expected at most {MAX_TOTAL_BYTES:,} bytes). Nothing was written."
            )
        if packed_bytes is not None and total > max_unpacked(packed_bytes):
            raise DataError(
                f"{path}: packed too tightly for images (found {total:,} bytes up to '{shown(entry.name)}', "
                f"expected at most {MAX_RATIO} : 1). Download it again; nothing was written."
            )
        yield entry


def _plain(name: str) -> str:
    """The name as it is kept: `tar` and `bsdtar` write `./a.jpg`, and `./` for the folder itself."""
    while name.startswith("./"):
        name = name[2:]
    return composed(name)


def _check_names(path: Path, names: Sequence[str]) -> None:
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in filter(None, names):
        _check_safe(path, name)
        key = folded(name).removesuffix("/")
        if not name.endswith("/"):
            if key in files:
                raise _collision(path, name, files[key])
            files[key] = name
        parts = key.split("/")
        for depth in range(1, len(parts) + name.endswith("/")):
            folders.setdefault("/".join(parts[:depth]), name)
    for key in files.keys() & folders.keys():
        raise _collision(path, files[key], folders[key])


def _check_safe(path: Path, name: str) -> None:
    # The Finder packs a folder's own icon under a name that ends with a carriage return.
    problem = unsafe(name.replace("Icon\r", "Icon")) if name else None
    if problem:
        raise DataError(
            f"{path}: unsafe member name '{shown(name)}': {problem}. {_REMEDIES.get(problem, _RENAME)}"
        )


def _collision(path: Path, first: str, second: str) -> DataError:
    return DataError(
        f"{path}: two members meet in one file ('{shown(first)}' and '{shown(second)}'). {_RENAME}"
    )
