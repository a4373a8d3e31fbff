"""Names and lists of DeepFashion In-shop: the field's flat file names and what they say about an image.

An image has a path in the archive, `WOMEN/Dresses/id_00000002/02_1_front.jpg`, and a flat name,
`fashionWOMENDressesid0000000202_1front.jpg`, by which lists, annotations and results know it. In this
package "name" is the flat name, and "stem" the flat name without `.jpg`.

Source: GFLA@3afa8fe:script/generate_fashion_datasets.py:44-58 (path to name),
NTED@6e3f0e9:data/demo_dataset.py:102-129 (name to path).
"""

import re
from pathlib import Path

from dnaf.errors import DataError

SUFFIX = ".jpg"

_FLAT = re.compile(
    r"fashion(?P<gender>WOMEN|MEN)(?P<category>[A-Za-z_]+?)id(?P<item>[0-9]{8})(?P<colour>[0-9]{2})"
    r"_(?P<number>[0-9])(?P<view>[a-z]+)\.jpg"
)
_PATH = re.compile(
    r"(?:.*/)?(?P<gender>WOMEN|MEN)/(?P<category>[A-Za-z_]+)/id_(?P<item>[0-9]{8})/"
    r"(?:id_[0-9]{8}_)?(?P<colour>[0-9]{2})_(?P<number>[0-9])_(?P<view>[a-z]+)\.jpg"
)
_MULTIMODAL = re.compile(r"(?:.*/)?(?:WOMEN|MEN)-[A-Za-z_]+-id_[0-9]{8}-[0-9]{2}_[0-9]_[a-z]+\.(?:jpg|png)")


def flat_name(path: str) -> str:
    """Flat name of an image's path; folders before `WOMEN` or `MEN` are ignored.

    A prefix `id_########_` of the file name, which some copies of the archive have, is dropped.

    Raises:
        DataError: not a path of DeepFashion In-shop.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise _name_error(path, "WOMEN/Dresses/id_00000002/02_1_front.jpg")
    return "fashion{gender}{category}id{item}{colour}_{number}{view}.jpg".format_map(match.groupdict())


def image_path(name: str) -> str:
    """Path of a flat name, from `WOMEN` or `MEN` on; the inverse of `flat_name`.

    Raises:
        DataError: not a flat name.
    """
    fields = _parse(name).groupdict()
    return "{gender}/{category}/id_{item}/{colour}_{number}_{view}.jpg".format_map(fields)


def outfit(name: str) -> str:
    """Gender, category, item and colour of a flat name, as its beginning: the grouping and leakage key.

    Items alone would not do: 503 of the 930 test items are also in the training list, in another colour.

    Raises:
        DataError: not a flat name.
    """
    return name[: _parse(name).end("colour")]


def item(name: str) -> str:
    """Gender, category and item of a flat name, as its beginning; 99 item numbers occur in two categories.

    Raises:
        DataError: not a flat name.
    """
    return name[: _parse(name).end("item")]


def stem(name: str) -> str:
    """The flat name without `.jpg`."""
    return name.removesuffix(SUFFIX)


def read_lines(path: Path) -> list[str]:
    """Lines of a UTF-8 text file; a byte order mark, carriage returns and empty last lines are dropped.

    Raises:
        DataError: the file is missing or not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"{path}: could not be read ({error.strerror}). See the README beside it for where to get it."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 ({error.reason}). Download it again.") from error
    return text.replace("\r\n", "\n").rstrip("\n").split("\n")


def read_list(path: Path) -> list[str]:
    """Reads an image list (`train.lst`, `test.lst`): flat names, one a line, in the file's order.

    Raises:
        DataError: missing or empty file, a line that is not a flat name, a name listed twice.
    """
    first_line: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        name = line.strip()
        try:
            _parse(name)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        if name in first_line:
            raise DataError(
                f"{path}:{number}: listed twice (found {name} in line {first_line[name]} too). "
                "Download the list again."
            )
        first_line[name] = number
    return list(first_line)


def _parse(name: str) -> re.Match[str]:
    match = _FLAT.fullmatch(name)
    if match is None:
        raise _name_error(name, "fashionWOMENDressesid0000000202_1front.jpg")
    return match


def _name_error(name: str, example: str) -> DataError:
    shown = name if len(name) <= 120 else name[:117] + "..."
    if _MULTIMODAL.fullmatch(name):
        return DataError(
            f"{shown}: a name of DeepFashion-MultiModal (expected DeepFashion In-shop, like {example}). "
            "Use the In-shop archive and lists."
        )
    return DataError(f"{shown!r}: not a DeepFashion In-shop name (expected one like {example}).")
