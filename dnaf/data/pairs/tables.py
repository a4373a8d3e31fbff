"""The tables of `data/pairs`, without pandas, which takes longer to load than they take to read."""

import csv
from pathlib import Path

from dnaf.core.errors import StateError


def read_table(path: Path, header: list[str]) -> list[list[str]]:
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
