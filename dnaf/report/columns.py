"""The columns of a table: those of all metrics in which a method has a value."""

from collections.abc import Sequence

from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.report.methods import MethodMetrics


def columns_of(rows: Sequence[MethodMetrics], columns: Sequence[Column]) -> list[Column]:
    """Those of the columns in which at least one method has a value."""
    return [column for column in columns if any(column.key in row.numbers for row in rows)]


def label_of(key: str) -> str:
    """The label of a metric, or its key if no table shows it."""
    return next((column.label for column in COLUMNS if column.key == key), key)
