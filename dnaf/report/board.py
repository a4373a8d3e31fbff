"""One protocol's comparison of all methods: what every form of the table shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.report.columns import columns_of
from dnaf.report.methods import MethodMetrics, read_comparable
from dnaf.report.scores import Scores, read_scores
from dnaf.report.significance import Mark, is_paired, marks


@dataclass(frozen=True)
class Board:
    """All methods under one protocol.

    Attributes:
        rows: all methods, in the order of the tables.
        columns: those in which a method has a value.
        unpaired: keys of the columns whose metric is of whole sets, not a mean over pairs.
        marks: by column key, then by method.
        scores: of every pair, of every method that has results.
    """

    protocol: str
    rows: list[MethodMetrics]
    columns: list[Column]
    unpaired: frozenset[str]
    marks: dict[str, dict[str, Mark]]
    scores: Mapping[str, Scores]

    @property
    def present(self) -> list[MethodMetrics]:
        return [row for row in self.rows if row.is_present]

    @property
    def main_columns(self) -> list[Column]:
        """Without those of random networks, which mean nothing outside their table."""
        return [column for column in self.columns if not column.is_random]

    @property
    def num_expected(self) -> int:
        return int(self.rows[0].numbers["num_expected"])

    def mark(self, row: MethodMetrics, column: Column) -> Mark | None:
        return self.marks[column.key].get(row.method)


def read_board(
    protocol: str,
    methods: Sequence[str],
    folder: Path,
    test: TestPairs,
    columns: Sequence[Column] = COLUMNS,
) -> Board:
    """Reads what `evaluate` wrote of these methods under one protocol, and compares them.

    Args:
        folder: with `<protocol>/<method>.json` and `.csv`.
        columns: those of all metrics, in the order of the tables.

    Raises:
        StateError: a file is missing or of other pairs, or two methods were scored in different ways.
    """
    rows = read_comparable(protocol, methods, folder)
    tables = {
        row.method: read_scores(folder / protocol / f"{row.method}.csv", test.pairs)
        for row in rows
        if row.is_present
    }
    return compare(protocol, rows, tables, test.outfits, columns)


def compare(
    protocol: str,
    rows: Sequence[MethodMetrics],
    scores: Mapping[str, Scores],
    outfits: Sequence[str],
    columns: Sequence[Column] = COLUMNS,
) -> Board:
    """Compares methods whose metrics are comparable.

    Args:
        scores: of every method that has results.
        outfits: of each pair.
        columns: those of all metrics, in the order of the tables.

    Raises:
        StateError: a method has scores of each pair and another one has not.
    """
    shown = columns_of(rows, columns)
    return Board(
        protocol,
        list(rows),
        shown,
        frozenset(c.key for c in shown if c.better and not is_paired(c.key, scores)),
        {column.key: marks(column, rows, scores, outfits) for column in shown},
        scores,
    )
