"""Text files of a data set: their lines, and lists of image names."""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.core.files import open_regular
from dnaf.data.formats.names import Name, NameOf


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 text file, one after the other: those of a large data set fill hundreds of megabytes.

    A byte order mark, carriage returns and empty last lines are dropped; there is always a first line.

    Raises:
        DataError: the file is missing or not text.
    """
    num_empty, is_first = 0, True
    try:
        with open_regular(path) as file, TextIOWrapper(file, encoding="utf-8-sig") as text:
            for line in text:
                if line == "\n":
                    num_empty += 1
                    continue
                yield from [""] * num_empty
                yield line.rstrip("\n")
                num_empty, is_first = 0, False
    except OSError as error:
        raise DataError(
            f"{path}: could not be read ({error.strerror}). The README in its folder says where to get it."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8 ({error.reason}). Download it again.") from error
    if is_first:
        yield ""


def read_list(path: Path, name_of: NameOf) -> list[Name]:
    """Reads an image list (`train.lst`, `test.lst`): names, one a line, in the file's order.

    Args:
        name_of: the name that a line stands for; DataError if it is none.

    Raises:
        DataError: missing or empty file, a line that is not a name, a name listed twice.
    """
    first_line: dict[Name, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        try:
            name = name_of(line.strip())
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        if name in first_line:
            raise DataError(
                f"{path}:{number}: listed twice (found {name} in line {first_line[name]} too). "
                "Download the list again."
            )
        first_line[name] = number
    return list(first_line)
