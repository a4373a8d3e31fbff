"""What a file may be called, how its name is compared, and how text of other people is shown.

A name must mean one file inside a folder on every system. It is kept composed (Unicode's NFC), however a
system or an archive spells it: macOS decomposes names, lists are written composed.
"""

import re
import unicodedata

_MAX_PART_BYTES = 255
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
# Turn the rest of a line around: `gpj.exe` is shown as `exe.jpg`.
_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_LEFT_BY_SYSTEMS = {
    *("__macosx", "icon\r"),  # macOS
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),  # Windows
    "@eadir",  # Synology
}


def composed(name: str) -> str:
    """The name with each letter and its accents as one character (NFC)."""
    return unicodedata.normalize("NFC", name)


def unsafe(name: str) -> str | None:
    """What is wrong with a path below a folder; None if it means one file there on every system.

    Args:
        name: with `/` between its parts; a folder's may end with one.
    """
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or _DRIVE.match(name):
        return "an absolute path"
    if "\\" in name:
        return "a backslash"
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name):
        return "a control character"
    if any(unicodedata.category(character) == "Cs" for character in name):
        return "bytes that are no text in UTF-8"
    if any(unicodedata.bidirectional(character) in _BIDI for character in name):
        return "a character that turns text around"
    if ".." in parts:
        return "it leaves the folder"
    if "" in parts or "." in parts:
        return "an empty part"
    if any(part.endswith((".", " ")) for part in parts):
        return "a part that ends with a dot or space"
    if any(_DEVICES.fullmatch(part) for part in parts):
        return "a device name"
    if any(len(part.encode()) > _MAX_PART_BYTES for part in parts):
        return f"a part longer than {_MAX_PART_BYTES} bytes"
    return None


def folded(name: str) -> str:
    """What file systems that ignore case make of a name: two names that are equal so meet in one file."""
    return composed(composed(name).casefold())


def suffix(name: str) -> str:
    """The suffix of a path's last part in lower case: `.jpg` of `a/B.JPG`; empty if it has none."""
    last = name.rpartition("/")[2]
    stem, dot, end = last.rpartition(".")
    return dot + end.lower() if stem else ""


def is_left_by_system(path: str) -> bool:
    """Whether file managers and editors, not people, put a file there, as `.DS_Store` and `card.yaml~`.

    Args:
        path: with `/` between its parts; what is inside of such a folder counts too.
    """
    return any(
        part.startswith(".") or part.endswith("~") or part.lower() in _LEFT_BY_SYSTEMS
        for part in path.removesuffix("/").split("/")
        if part not in (".", "..")
    )


def printable(text: str, limit: int) -> str:
    """Text in one line of at most `limit` characters, shortened in its middle.

    What a terminal would obey or not show (control characters, line separators, turned text) is escaped.
    """
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode()
            for character in text
        )
    if len(text) <= limit:
        return text
    return f"{text[: limit - limit // 3 - 1]}…{text[len(text) - limit // 3 :]}"


def shown(name: str) -> str:
    """A name that others gave, as an error shows it: in one line of at most 120 characters."""
    return printable(name, 120)
