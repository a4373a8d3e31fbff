"""What papers print of the methods, beside what was measured here.

Each number is of the paper's own script: those of two papers are not comparable, so they are never ranked,
never bold, and have no interval. A difference is shown only where the script is one of our protocols, at the
same size, over the published number of pairs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dnaf.evaluate.metrics.registry import PUBLISHED
from dnaf.evaluate.submissions.method_card import Card, Published
from dnaf.report.board import Board
from dnaf.report.columns import label_of

_NAMES = {column.key: column.label for column in PUBLISHED}
_NUM_PAIRS = {"deepfashion": 8_570, "market1501": 12_000}  # that the field publishes over


def values_of(card: Card, board: Board) -> dict[str, float]:
    """By column key, what was published of a method at the board's size on its data set.

    The numbers of the board's own protocol come first, then those in the order of the card.
    """
    fitting = [entry for entry in card.published if _fits(entry, board)]
    fitting.sort(key=lambda entry: entry.protocol != board.protocol)
    values: dict[str, float] = {}
    for entry in fitting:
        for key, value in entry.values.items():
            values.setdefault(key, value)
    return values


def differences(card: Card, method: str, boards: Sequence[Board], entry: Published) -> dict[str, float]:
    """Measured minus published by metric, under the entry's own protocol; empty where it was not measured."""
    for board in boards:
        if board.protocol == entry.protocol and _fits(entry, board):
            for row in board.present:
                if row.method == method:
                    return {k: row.numbers[k] - v for k, v in entry.values.items() if k in row.numbers}
    return {}


def to_rows(boards: Sequence[Board], cards: Mapping[str, Card]) -> list[dict[str, str]]:
    """The table of all published numbers, as text: one row an entry, by data set, size and year.

    Every row has the same columns; those without a number in any row are left out.
    """
    rows = []
    for method, card in cards.items():
        for entry in card.published:
            found = differences(card, method, boards, entry)
            height = int(entry.size.partition("x")[0])
            year = card.paper.year if card.paper else 0
            order = (entry.dataset, height, year, card.title)
            shown = {n: f"{entry.values[k]:g}" if k in entry.values else "" for k, n in _NAMES.items()}
            changes = ", ".join(f"{label_of(key)} {value:+.4g}" for key, value in found.items())
            row = {
                "Method": card.title,
                "Data set": entry.dataset,
                "Size": entry.size,
                **shown,
                "Source": f"{entry.source}; {entry.note}" if entry.note else entry.source,
                "Measured minus published": changes,
            }
            rows.append((order, row))
    ordered = [row for _, row in sorted(rows, key=lambda item: item[0])]
    used = [name for name in ordered[0] if any(row[name] for row in ordered)] if ordered else []
    return [{name: row[name] for name in used} for row in ordered]


def to_markdown(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    """The table of `to_rows`; empty where no card has a number."""
    rows = to_rows(boards, cards)
    if not rows:
        return ""
    aligned = ["--:" if name in _NAMES.values() else ":--" for name in rows[0]]
    lines = [list(rows[0]), aligned, *[list(row.values()) for row in rows]]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def record(card: Card) -> list[dict[str, Any]]:
    """A card's published numbers for the JSON."""
    return [entry.model_dump(exclude_none=True) for entry in card.published]


def _fits(entry: Published, board: Board) -> bool:
    size = board.present[0].protocol["image_size"] if board.present else None
    return entry.size == size and _NUM_PAIRS[entry.dataset] == board.num_expected
