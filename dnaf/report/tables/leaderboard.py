"""The tables of all methods: for people (Markdown), for `dvc plots` (CSV), and the record of both (JSON)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dnaf.core import markdown
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.result_file import ELSEWHERE
from dnaf.report import escape
from dnaf.report.board import Board
from dnaf.report.methods import MethodMetrics, rounded
from dnaf.report.published import record, values_of
from dnaf.report.published import to_markdown as published_to_markdown
from dnaf.report.significance import CEILINGS, Mark
from dnaf.report.words import (
    AS_PUBLISHED,
    CEILING,
    COMPUTED_ELSEWHERE,
    MARKS,
    NOT_SUPPLIED,
    PUBLISHED_NOTE,
    notes,
    protocol_sentences,
)

_ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


def to_table(boards: Sequence[Board], cards: Mapping[str, Card]) -> pd.DataFrame:
    """One row a protocol and present method: both, a bar's `name`, the numbers; empty where it lacks one.

    What was published of a method at the same size is in columns of its own, `published_<metric>`. Where
    scores were merged, a column `computed` says so.
    """
    several = len(boards) > 1
    present = [
        {
            "protocol": board.protocol,
            "method": escape.cell(row.method),
            "name": escape.cell(f"{row.method} ({board.protocol})" if several else row.method),
            **({"computed": ELSEWHERE} if row.elsewhere else {}),
            **{key: rounded(value) for key, value in row.numbers.items()},
            **{f"published_{key}": value for key, value in values_of(cards[row.method], board).items()},
        }
        for board in boards
        for row in board.present
    ]
    return pd.DataFrame(present, columns=None if present else ["protocol", "method", "name"])


def to_record(boards: Sequence[Board], cards: Mapping[str, Card]) -> dict[str, dict[str, Any]]:
    """By protocol and method: all numbers with their intervals, how they came about, what was published."""
    return {
        board.protocol: {
            row.method: {
                "numbers": {key: rounded(value) for key, value in row.numbers.items()},
                "provenance": row.protocol,
                "published": record(cards[row.method]),
            }
            for row in board.rows
        }
        for board in boards
    }


def to_markdown(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    """The leaderboard: a section a protocol with all methods in the given order, and notes on how to read it.

    Args:
        cards: the card of each method, and of those that only have published numbers.
    """
    text = ["# Leaderboard"]
    for board in boards:
        text += [f"## Protocol `{board.protocol}`", protocol_sentences(board)]
        text.append(_table(board, board.rows, board.main_columns, cards))
        if random := [column for column in board.columns if column.is_random]:
            table = _table(board, board.present, random, cards)
            text.append(f"<details>\n<summary>Random networks</summary>\n\n{table}\n\n</details>")
    if table := published_to_markdown(boards, cards):
        text += [f"## {AS_PUBLISHED}", PUBLISHED_NOTE, table]
    if remarks := notes(boards, cards):
        text += ["## Notes", *remarks]
    return "\n\n".join(text) + "\n"


def _table(
    board: Board, rows: Sequence[MethodMetrics], columns: Sequence[Column], cards: Mapping[str, Card]
) -> str:
    headers = [f"{column.label}{_ARROWS[column.better]}" for column in columns] or ["Results"]
    lines = []
    for row in rows:
        published = values_of(cards[row.method], board)
        shown = [
            f"*{column.text(published[column.key])}*" if column.key in published else "" for column in columns
        ]
        if row.is_present:
            cells = [_cell(board, row, column) for column in columns]
            cells = [f"{cell} {text}".strip() for cell, text in zip(cells, shown, strict=True)]
        elif any(shown):
            cells = shown
        else:
            cells = [NOT_SUPPLIED, *[""] * (len(headers) - 1)]
        lines.append([_name(row, cards[row.method]), *cells])
    return markdown.table(["Method", *headers], lines, "l" + "r" * len(headers))


def _name(row: MethodMetrics, card: Card) -> str:
    if row.method in CEILINGS:
        return f"{escape.markdown(card.title)} ({CEILING})"
    linked = escape.link(card.title, card.repository or "")
    remarks = [f"{escape.markdown(card.paper.venue)} {card.paper.year}"] if card.paper else []
    remarks += [COMPUTED_ELSEWHERE] if row.elsewhere else []
    return f"{linked} ({'; '.join(remarks)})" if remarks else linked


def _cell(board: Board, row: MethodMetrics, column: Column) -> str:
    if column.key not in row.numbers:
        return ""
    text = column.text(row.numbers[column.key])
    mark = board.mark(row, column)
    if mark is Mark.BEST:
        text = f"**{text}**"
    elif mark:
        text += MARKS[mark]
    ends = [row.numbers.get(f"{column.key}_{end}") for end in ("low", "high")]
    shown = [column.text(end) for end in ends if end is not None]
    return f"{text} [{', '.join(shown)}]" if shown else text
