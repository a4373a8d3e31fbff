"""Scores by kinds of pairs: a mean over all hides whether a method can turn people around.

Every partition sorts all test pairs: by the views of source and target, by how much of the target is visible,
and by whether its garment is known from training. Metrics of whole sets, such as FID, have no scores of
single pairs, and are not among these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnaf.core.errors import StateError
from dnaf.data.formats.names import Name
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints.keypoints import read_keypoints
from dnaf.data.pairs.tables import read_table
from dnaf.evaluate.metrics.bootstrap import percentile_interval, resample_groups
from dnaf.evaluate.metrics.metric import Column, RatioMetric
from dnaf.evaluate.metrics.registry import METRICS
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.report import escape
from dnaf.report.board import Board
from dnaf.report.methods import rounded
from dnaf.report.scores import Scores

VIEW_CHANGE = "View change"

_VIEW = "View"  # the facet of a name
_JOINTS = ("under 50 %", "50 to 75 %", "75 % and more")  # of the 18, in the target
_JOINT_BOUNDS = (0.5, 0.75)
_ITEMS = ("never in training", "in training too")
_RATIOS = {metric.column.key: metric for metric in METRICS if isinstance(metric, RatioMetric)}


@dataclass(frozen=True)
class Partition:
    """All test pairs, sorted by one question.

    Attributes:
        label: what is asked.
        names: the strata, those that have pairs.
        of_pair: of each pair (N), the position of its stratum in `names`.
    """

    label: str
    names: list[str]
    of_pair: NDArray[np.intp]


@dataclass(frozen=True)
class Value:
    """A mean over a stratum with its 95 % interval, which is None without resamplings."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Stratum:
    """All methods' scores over some of the pairs.

    Attributes:
        label, name: the partition and the stratum.
        values: by method, then by column key.
    """

    label: str
    name: str
    num_pairs: int
    num_outfits: int
    values: dict[str, dict[str, Value]]


def read_partitions(pairs: Path, test: TestPairs, format_name: str) -> list[Partition]:
    """How the test pairs of a folder that `split` wrote are sorted, fewest strata first.

    A custom data set's names say nothing.

    Raises:
        StateError: a table is missing, damaged, or without a target's keypoints.
    """
    stems, keypoints = read_keypoints(pairs / "keypoints.csv")
    visible = dict(zip(stems, np.isfinite(keypoints).all(axis=-1).mean(axis=-1), strict=True))
    targets = [target for _, target in test.pairs]
    if missing := [target for target in targets if target not in visible]:
        raise StateError(f"{pairs / 'keypoints.csv'}: {missing[0]} is missing. Run split again.")
    bins = np.digitize([visible[target] for target in targets], _JOINT_BOUNDS)
    found = [_partition("Visible joints", [_JOINTS[index] for index in bins], _JOINTS)]
    naming = FORMATS[format_name].naming
    if naming is None:
        return found
    known = {naming.item(Name(f"{stem}.jpg")) for (stem,) in read_table(pairs / "train_images.csv", ["stem"])}
    items = [naming.item(Name(f"{target}.jpg")) for target in targets]
    found.append(_partition("Item", [_ITEMS[item in known] for item in items], _ITEMS))
    views = [tuple(naming.facets(Name(f"{stem}.jpg")).get(_VIEW) for stem in pair) for pair in test.pairs]
    if all(None not in pair for pair in views):
        changes = [f"{source} → {target}" for source, target in views]
        found.append(_partition(VIEW_CHANGE, changes, sorted(set(changes))))
    return found


def stratify(board: Board, partitions: Sequence[Partition], outfits: Sequence[str]) -> list[Stratum]:
    """Every method's mean of every metric of single pairs over each stratum, all pairs of it counted.

    Args:
        outfits: of each pair.
    """
    if not board.present:
        return []
    bootstrap = board.present[0].protocol["bootstrap"]
    of_pair, shown = np.asarray(outfits), metrics_of(board)
    strata = []
    for partition in partitions:
        for number, name in enumerate(partition.names):
            chosen = np.flatnonzero(partition.of_pair == number)
            # One draw for all methods and metrics: drawing takes longest.
            groups, times_drawn = resample_groups(
                of_pair[chosen].tolist(),
                bootstrap["num_resamplings"],
                bootstrap["seed"],
                f"{partition.label}/{name}",
            )
            ratios = {
                (method, column.key): ratio
                for method, scores in board.scores.items()
                for column in shown
                if (ratio := _ratio(scores, column.key, chosen)) is not None
            }
            values: dict[str, dict[str, Value]] = {method: {} for method in board.scores}
            found = _values(list(ratios.values()), groups, times_drawn)
            for (method, key), value in zip(ratios, found, strict=True):
                values[method][key] = value
            strata.append(Stratum(partition.label, name, len(chosen), times_drawn.shape[1], values))
    return strata


def metrics_of(board: Board) -> list[Column]:
    """The columns that have scores of single pairs, without those of random networks."""
    return [
        column
        for column in board.main_columns
        if any(_ratio(scores, column.key, np.arange(1)) is not None for scores in board.scores.values())
    ]


def to_table(
    boards: Sequence[Board], partitions: Sequence[Partition], outfits: Sequence[str]
) -> pd.DataFrame:
    """One row a protocol, stratum and method, with `<metric>_low` and `_high` beside each metric."""
    rows = []
    for board in boards:
        for stratum in stratify(board, partitions, outfits):
            for method, values in stratum.values.items():
                numbers: dict[str, float] = {}
                for key, value in values.items():
                    numbers[key] = rounded(value.mean)
                    if value.low is not None and value.high is not None:
                        numbers[f"{key}_low"], numbers[f"{key}_high"] = map(rounded, (value.low, value.high))
                row = {
                    "protocol": board.protocol,
                    "partition": stratum.label,
                    "stratum": stratum.name,
                    "num_pairs": stratum.num_pairs,
                    "num_outfits": stratum.num_outfits,
                    "method": escape.cell(method),
                }
                rows.append(row | numbers)
    return pd.DataFrame(rows, columns=None if rows else ["protocol", "partition", "stratum", "method"])


def _partition(label: str, of_pair: Sequence[str], order: Sequence[str]) -> Partition:
    names = [name for name in order if name in set(of_pair)]
    return Partition(label, names, np.array([names.index(name) for name in of_pair], np.intp))


def _ratio(
    scores: Scores, key: str, chosen: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """What a metric is the quotient of, summed over pairs: its values and ones, or what a ratio counts."""
    if key in scores:
        return scores[key][chosen], np.ones(len(chosen))
    ratio = _RATIOS.get(key)
    if ratio and {ratio.numerator, ratio.denominator} <= scores.keys():
        return scores[ratio.numerator][chosen], scores[ratio.denominator][chosen]
    return None


def _values(
    ratios: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    groups: NDArray[np.intp],
    times_drawn: NDArray[np.float64],
) -> list[Value]:
    """Each ratio with its interval; all resamplings of all sums are one product of matrices."""
    means = [float(above.sum() / max(below.sum(), 1)) for above, below in ratios]
    if not ratios or not len(times_drawn):
        return [Value(mean, None, None) for mean in means]
    num_groups = times_drawn.shape[1]
    sums = [np.bincount(groups, terms, num_groups) for ratio in ratios for terms in ratio]
    resampled = times_drawn @ np.array(sums).T  # (R, 2 N)
    quotients = resampled[:, ::2] / np.maximum(resampled[:, 1::2], 1)
    return [Value(mean, *percentile_interval(row)) for mean, row in zip(means, quotients.T, strict=True)]
