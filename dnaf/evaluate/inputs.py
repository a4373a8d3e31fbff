"""What there is to evaluate: the test pairs, and whether a method has results at all.

Kept apart from reading the results, which needs pandas and Pillow: most methods of a fresh project have none.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnaf import files
from dnaf.errors import DataError, StateError
from dnaf.evaluate.protocol import Protocol

if TYPE_CHECKING:
    from dnaf.data.pairs import Pair

COPY_SOURCE = "copy_source"
MEAN_IMAGE = "mean_image"
GENERATED = "generated.zip"
WRONG_SOURCE = "wrong_source.zip"
CARD = "card.yaml"

_NOT_RESULTS = (CARD, "README.md", "README", ".gitignore")


@dataclass(frozen=True)
class TestPairs:
    """The test pairs in their order.

    Attributes:
        pairs: source and target stems.
        outfits: of each pair, whom or what it shows: pairs of one outfit are not independent.
    """

    __test__ = False  # for pytest: no test, whatever the name says

    pairs: list["Pair"]
    outfits: list[str]


def read_test_pairs(folder: Path) -> TestPairs:
    """The test pairs of a complete `pairs` folder.

    Raises:
        StateError: the folder is incomplete or the list is empty.
    """
    files.require_complete(folder)
    return read_pairs_csv(folder / "test.csv")


def read_pairs_csv(path: Path) -> TestPairs:
    """The pairs of a list with the header `source,target,outfit`.

    Raises:
        StateError: no such list, another header or no pairs.
    """
    rows = read_csv(path, ["source", "target", "outfit"])
    return TestPairs([(source, target) for source, target, _ in rows], [outfit for _, _, outfit in rows])


def is_absent(method: str, folder: Path) -> bool:
    """Whether nothing but the method's card lies in its folder and it is none that needs no files.

    Raises:
        DataError: there is no such folder, it holds files that cannot be read as results, or a method that
            needs none has some.
        StateError: a `.dvc` file stands there without its data.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder (expected one with a {CARD}). Is {method} a method?")
    for pointer in sorted(folder.glob("*.dvc")):
        if not pointer.with_suffix("").exists():
            raise StateError(f"{pointer}: its data is not here. Run `dvc pull {pointer}`.")
    found = sorted(
        path.name for path in folder.iterdir() if path.name not in _NOT_RESULTS and path.suffix != ".dvc"
    )
    allowed = () if method in (COPY_SOURCE, MEAN_IMAGE) else (GENERATED, WRONG_SOURCE)
    for name in found:
        if name not in allowed:
            reason = "reading published result archives is not supported yet" if allowed else "needs no files"
            raise DataError(f"{folder / name}: not a result of {method} ({reason}). Remove it.")
    if WRONG_SOURCE in found and GENERATED not in found:
        raise StateError(f"{folder / GENERATED}: missing beside {WRONG_SOURCE}. Run generate again.")
    return not found and bool(allowed)


def absent(num_expected: int, protocol: Protocol) -> dict[str, Any]:
    """The metrics of a method without results: the same content each time, for DVC to recognise.

    The protocol block stands in a list of one, because `dvc metrics show` passes over lists: of a mapping it
    would make a column of every entry, fifty beside the ten that a user looks for.
    """
    return {"num_pairs": 0, "num_expected": num_expected, "protocol": [{"name": protocol.name}]}


def read_csv(path: Path, header: list[str]) -> list[list[str]]:
    """Rows of a table that `split` wrote, without its header.

    Raises:
        StateError: no such table, another header, ragged or no rows.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise StateError(f"{path}: could not be read ({error.strerror}). Run split again.") from error
    if len(rows) < 2 or rows[0] != header or any(len(row) != len(header) for row in rows):
        raise StateError(
            f"{path}: not a list with the header {','.join(header)} and at least one row. Run split again."
        )
    return rows[1:]
