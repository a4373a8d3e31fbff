"""The tables of `data/pairs`, without pandas, which takes longer to load than they take to read."""

import csv
from io import StringIO
from pathlib import Path

from dnaf.core.errors import StateError
from dnaf.core.seals import read_sealed

PAIR_COLUMNS = ["source", "target", "outfit"]


def read_table(path: Path, header: list[str]) -> list[list[str]]:
    """Rows of a table that `split` wrote, without its header.

    Raises:
        StateError: no such table, not as it was written, another header, ragged or no rows.
    """
    text = read_sealed(path, "split").decode("utf-8", errors="replace")
    rows = list(csv.reader(StringIO(text, newline="")))
    if len(rows) < 2 or rows[0] != header or any(len(row) != len(header) for row in rows):
        raise StateError(
            f"{path}: not a list with the header {','.join(header)} and at least one row. Run split again."
        )
    return rows[1:]
