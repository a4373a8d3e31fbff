"""Which method is best in a column, and which differences are no more than noise."""

from collections.abc import Mapping, Sequence
from enum import Enum

from dnaf.core.errors import StateError
from dnaf.evaluate.metrics.bootstrap import paired_interval
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.submissions.find import COPY_SOURCE, GROUND_TRUTH, MEAN_IMAGE, RECONSTRUCTION
from dnaf.report.methods import MethodMetrics
from dnaf.report.scores import Scores

TRIVIAL_BASELINES = (COPY_SOURCE, MEAN_IMAGE)
"""What needs no model. They are never the best, or copies, being photographs, would win FID in every table;
where one is better than every method, no method is the best either."""

CEILINGS = (GROUND_TRUTH, RECONSTRUCTION)
"""What a method would have to give. They have no mark, and take none away: most metrics they win by what they
are, and FID, which compares with other photographs, need not be smaller than that of generated images."""

UNRANKED = (*TRIVIAL_BASELINES, *CEILINGS)
"""Shown beside methods, and none."""


class Mark(Enum):
    """How a value relates to the best one."""

    BEST = "best"
    NOISE = "within noise of the best"
    TRIVIAL_AHEAD = "a trivial baseline that is better than every method"


def marks(
    column: Column,
    rows: Sequence[MethodMetrics],
    scores: Mapping[str, Scores],
    outfits: Sequence[str],
) -> dict[str, Mark]:
    """The marks in one column, by method; what is worse than the best beyond noise, or a ceiling, has none.

    Values that read the same as the best one are best too. Where a trivial baseline reads better, none is.

    Args:
        rows: methods of one protocol.
        scores: of every method that has results.
        outfits: of each pair.

    Raises:
        StateError: a method has scores of each pair and another one has not.
    """
    having = [row for row in rows if column.key in row.numbers and row.method not in CEILINGS]
    methods = [row for row in having if row.method not in TRIVIAL_BASELINES]
    if column.better is None or not methods:
        return {}
    sign = 1 if column.better == "higher" else -1
    best = max(methods, key=lambda row: sign * row.numbers[column.key])
    best_text = column.text(best.numbers[column.key])
    is_below_trivial = any(
        sign * row.numbers[column.key] > sign * best.numbers[column.key]
        and column.text(row.numbers[column.key]) != best_text
        for row in having  # only a trivial baseline can be
    )
    found = {}
    for row in having:
        value, best_value = row.numbers[column.key], best.numbers[column.key]
        if row.method not in TRIVIAL_BASELINES and column.text(value) == best_text:
            if not is_below_trivial:
                found[row.method] = Mark.BEST
        elif _is_noise(column.key, best, row, scores, outfits):
            found[row.method] = Mark.NOISE
        elif sign * value > sign * best_value:  # only a trivial baseline can be
            found[row.method] = Mark.TRIVIAL_AHEAD
    return found


def is_paired(key: str, scores: Mapping[str, Scores]) -> bool:
    """Whether a metric is a mean over pairs, so that methods are compared pair by pair."""
    return any(key in table for table in scores.values())


def _is_noise(
    key: str,
    best: MethodMetrics,
    other: MethodMetrics,
    scores: Mapping[str, Scores],
    outfits: Sequence[str],
) -> bool:
    """Whether the interval of the mean difference holds zero or, of a metric of whole sets, the intervals
    overlap; never without resamplings."""
    if not is_paired(key, scores):
        return _overlap(key, best, other)
    for row in (best, other):
        if key not in scores[row.method]:
            raise StateError(
                f"data/scores/{row.protocol['name']}/{row.method}.csv: no column {key}, which other methods "
                "have. Run evaluate again."
            )
    bootstrap = best.protocol["bootstrap"]
    if not bootstrap["num_resamplings"]:
        return False
    low, high = paired_interval(
        scores[other.method][key],
        scores[best.method][key],
        outfits,
        bootstrap["num_resamplings"],
        bootstrap["seed"],
        key,
    )
    return low <= 0 <= high


def _overlap(key: str, first: MethodMetrics, second: MethodMetrics) -> bool:
    ends = [(row.numbers.get(f"{key}_low"), row.numbers.get(f"{key}_high")) for row in (first, second)]
    (low, high), (other_low, other_high) = ends
    if low is None or high is None or other_low is None or other_high is None:
        return False
    return low <= other_high and other_low <= high
