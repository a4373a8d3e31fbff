"""Which pairs a reader sees first: typical ones, by a rule that leaves no choice to whoever shows them.

The pairs whose score is nearest the median come first. The score is that of the first method of the table
that is neither trivial baseline nor ceiling, in its first metric of single pairs that needs no random
network. Pairs of outfits that were not shown yet go before others; equal ones keep the order of the list.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.evaluate.submissions.method_card import Card
from dnaf.report import figure
from dnaf.report.board import Board
from dnaf.report.significance import UNRANKED
from dnaf.report.words import unit


def typical_pairs(
    board: Board, test: TestPairs, cards: Mapping[str, Card], num_rows: int
) -> tuple[list[Pair], str]:
    """The first pairs by the rule, and a sentence that says by which; spread pairs if there are no scores."""
    chosen = choose_scores(board)
    if chosen is None:
        return figure.spread(test, num_rows), "Pairs evenly spread over the test list."
    method, column = chosen
    # As the page has them, so that its gallery begins with the same pairs.
    scores = np.round(board.scores[method][column.key], column.num_digits)
    pairs = [test.pairs[index] for index in order(scores, test.outfits)[:num_rows]]
    return pairs, (
        f"The {len(pairs)} test pairs whose {column.label} of {cards[method].title} is nearest the median, "
        f"different {unit([board])}s first."
    )


def choose_scores(board: Board) -> tuple[str, Column] | None:
    """The method and the metric by which pairs are typical; None if nothing scores single pairs."""
    for row in sorted(board.present, key=lambda row: row.method in UNRANKED):
        for column in board.main_columns:
            if column.better and column.key in board.scores[row.method]:
                return row.method, column
    return None


def order(scores: NDArray[np.float64], outfits: Sequence[str]) -> list[int]:
    """All pairs' positions in the list, typical ones first.

    Args:
        scores: of each pair (N).
        outfits: of each pair (N).
    """
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int, int]] = []
    for index in np.argsort(np.abs(scores - np.median(scores)), kind="stable").tolist():
        ranked.append((seen[outfits[index]], len(ranked), index))
        seen[outfits[index]] += 1
    return [index for *_, index in sorted(ranked)]
