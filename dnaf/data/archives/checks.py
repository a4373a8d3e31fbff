"""What an archive's directory may say, whatever its kind: names, sizes, numbers.

A name must mean one file inside the target folder on every system; sizes must fit memory and disk.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from dnaf.core.errors import DataError

MAX_MEMBERS = 200_000  # DeepFashion has 52,712
MAX_MEMBER_BYTES = 40_000_000
MAX_TOTAL_BYTES = 40_000_000_000
MAX_RATIO = 200  # of unpacked to packed; photographs are near 1, 50 MB of zeros pack 1,027 : 1

_MAX_PART_BYTES = 255
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def check_names(path: Path, names: Sequence[str]) -> None:
    """Checks the raw names of an archive's directory; a folder's name ends with `/`.

    Raises:
        DataError: a name leaves the folder, is not portable, or meets another one there.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        problem = _problem(name)
        if problem:
            raise DataError(f"{path}: unsafe member name {_shown(name)}: {problem}. Nothing was written.")
        key = _key(name).removesuffix("/")
        if not name.endswith("/"):
            if key in files:
                raise _collision(path, name, files[key])
            files[key] = name
        parts = key.split("/")
        for depth in range(1, len(parts) + name.endswith("/")):
            folders.setdefault("/".join(parts[:depth]), name)
    for key in files.keys() & folders.keys():
        raise _collision(path, files[key], folders[key])


def check_sizes(path: Path, sizes: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Checks number and sizes of an archive's members, as its directory tells them, and returns them.

    Stops at the first one that is too much, so that they may be told while the archive is being read.

    Raises:
        DataError: too many members, one that is too large, or too many bytes in all.
    """
    told: list[tuple[str, int]] = []
    total = 0
    for name, size in sizes:
        if len(told) == MAX_MEMBERS:
            raise DataError(
                f"{path}: too many members (expected at most {MAX_MEMBERS:,}). Nothing was written."
            )
        if size > MAX_MEMBER_BYTES:
            raise DataError(
                f"{path}: {_shown(name)}: too large (found {size:,} bytes, expected at most "
                f"{MAX_MEMBER_BYTES:,}). Nothing was written."
            )
        total += size
        if total > MAX_TOTAL_BYTES:
            raise DataError(
                f"{path}: too large (expected at most {MAX_TOTAL_BYTES:,} bytes). Nothing was written."
            )
        told.append((name, size))
    return told


def _problem(name: str) -> str | None:
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "an absolute path"
    if "\\" in name:
        return "a backslash"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "a control character"
    if ".." in parts:
        return "it leaves the folder"
    if "" in parts or "." in parts:
        return "an empty part"
    if any(part.endswith((".", " ")) for part in parts):
        return "a part that ends with a dot or space"
    if any(_DEVICES.fullmatch(part) for part in parts):
        return "a device name"
    if any(len(part.encode(errors="surrogatepass")) > _MAX_PART_BYTES for part in parts):
        return f"a part longer than {_MAX_PART_BYTES} bytes"
    return None


def _key(name: str) -> str:
    """What file systems that ignore case or normalise Unicode make of a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _collision(path: Path, first: str, second: str) -> DataError:
    return DataError(
        f"{path}: two members meet in one file ({_shown(first)} and {_shown(second)}). Nothing was written."
    )


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 120 else name[:117] + "...")
