"""The tables of all methods for a paper, in LaTeX with booktabs.

Without intervals: at two numbers a cell, no page is wide enough for nine metrics. leaderboard.md has them,
and the metrics of random networks.
"""

import textwrap
from collections.abc import Mapping, Sequence

from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.submissions.method_card import Card
from dnaf.report.board import Board
from dnaf.report.methods import MethodMetrics
from dnaf.report.published import to_rows
from dnaf.report.significance import UNRANKED, Mark
from dnaf.report.words import AS_PUBLISHED, COMPUTED_ELSEWHERE

_HEADER_WIDTH = 12  # characters, about those of a value; longer labels take several lines
_ARROWS = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", None: ""}
_MARKS = {Mark.NOISE: r"\approx", Mark.TRIVIAL_AHEAD: r"\dagger"}
_ESCAPES = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
)


def to_latex(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    """A table a protocol with the methods that have results, what is none last; then published numbers.

    Args:
        cards: the card of each method, and of those that only have published numbers.
    """
    tables = [_table(board, cards) for board in boards if board.present]
    tables += _published(to_rows(boards, cards))
    return "\n\n".join([r"% Needs \usepackage{booktabs}.", *tables]) + "\n"


def escape(text: str) -> str:
    """Plain text so that LaTeX prints it as it stands, on one line."""
    return " ".join(text.splitlines()).translate(_ESCAPES)


def _table(board: Board, cards: Mapping[str, Card]) -> str:
    methods = [_row(board, row, cards) for row in board.present if row.method not in UNRANKED]
    unranked = [_row(board, row, cards) for row in board.present if row.method in UNRANKED]
    headers = " & ".join(["Method", *(_header(column) for column in board.main_columns)])
    lines = [
        r"\begin{table*}",  # two columns wide where the page has two
        r"  \centering\small",
        rf"  \caption{{{_caption(board)}}}",
        rf"  \label{{tab:leaderboard-{board.protocol}}}",
        rf"  \begin{{tabular}}{{l{'r' * len(board.main_columns)}}}",
        r"    \toprule",
        rf"    {headers} \\",
        r"    \midrule",
        *methods,
        *([r"    \midrule"] if methods and unranked else []),
        *unranked,
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines)


def _published(rows: Sequence[Mapping[str, str]]) -> list[str]:
    if not rows:
        return []
    names = list(rows[0])
    lines = [
        r"\begin{table*}",
        r"  \centering\scriptsize",
        rf"  \caption{{{escape(AS_PUBLISHED)}: not comparable with each other.}}",
        r"  \label{tab:as-published}",
        rf"  \begin{{tabular}}{{{'l' * len(names)}}}",
        r"    \toprule",
        rf"    {' & '.join(map(escape, names))} \\",
        r"    \midrule",
        *(rf"    {' & '.join(escape(row[name]) for name in names)} \\" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table*}",
    ]
    return ["\n".join(lines)]


def _caption(board: Board) -> str:
    protocol = board.present[0].protocol
    sentences = [
        escape(f"{protocol['title'].rstrip('.')}."),
        f"{board.num_expected:,} test pairs, {escape(protocol['image_size'])} pixels.",
    ]
    found = {mark for column in board.main_columns for mark in board.marks[column.key].values()}
    if Mark.BEST in found:
        sentences.append("Best method in bold, unless copying or averaging is better.")
    if Mark.NOISE in found:
        sentences.append(r"$\approx$: within noise of the best.")
    if Mark.TRIVIAL_AHEAD in found:
        sentences.append(r"$\dagger$: no method, but better than every method.")
    return " ".join(sentences)


def _header(column: Column) -> str:
    lines = [escape(line) for line in textwrap.wrap(column.label, _HEADER_WIDTH)]
    lines[-1] += _ARROWS[column.better]
    stacked = r"\\".join(lines)
    return stacked if len(lines) == 1 else rf"\shortstack[r]{{{stacked}}}"


def _row(board: Board, row: MethodMetrics, cards: Mapping[str, Card]) -> str:
    card = cards[row.method]
    remarks = [f"{card.paper.venue} {card.paper.year}"] if card.paper else []
    remarks += [COMPUTED_ELSEWHERE] if row.elsewhere else []
    name = f"{card.title} ({'; '.join(remarks)})" if remarks else card.title
    cells = [_cell(board, row, column) for column in board.main_columns]
    return rf"    {' & '.join([escape(name), *cells])} \\"


def _cell(board: Board, row: MethodMetrics, column: Column) -> str:
    if column.key not in row.numbers:
        return ""
    text = escape(column.text(row.numbers[column.key])).replace("-", "$-$")
    mark = board.mark(row, column)
    if mark is Mark.BEST:
        return rf"\textbf{{{text}}}"
    # \rlap, so that digits stand below each other with and without a mark.
    return rf"{text}\rlap{{$^{{{_MARKS[mark]}}}$}}" if mark else text
