"""Runs of our own model, compared pair by pair: what an ablation, or another setting, changes."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnaf.core import markdown
from dnaf.core.errors import StateError
from dnaf.core.images import Pixels
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.store import ImageStore
from dnaf.evaluate.metrics.bootstrap import Values, percentile_interval, resample_groups
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.evaluate.submissions.find import GENERATED, read_pairs_csv
from dnaf.evaluate.submissions.open import DataSet
from dnaf.report.revisions import fetch
from dnaf.report.scores import Scores, read_scores

_PAIRS = "data/pairs/test.csv"
_ARROWS = {"higher": "↑", "lower": "↓", None: ""}
_OF_ONE = "Intervals resample outfits and know nothing of the chance in a training: compare several seeds."
_OF_SEVERAL = (
    "Intervals resample trainings and, in each, outfits. Of {} trainings they are still too narrow: few of "
    "them say little about how far others would be."
)


@dataclass(frozen=True)
class Run:
    """The scores of one revision.

    Attributes:
        scores: by metric, one value a pair.
        groups: of each pair (N): its list and outfit. Runs with another seed draw other outfits.
        trainings: of each pair (N): its run among those that are pooled.
    """

    scores: Scores
    groups: list[str]
    trainings: list[str]


def read_run(revision: str, protocol: str, method: str) -> Run:
    """Reads a method's scores of every pair as they were in a commit, branch or experiment.

    Raises:
        StateError: DVC knows no such revision, or the scores are not in its cache or incomplete.
    """
    scores = f"data/scores/{protocol}/{method}.csv"
    with tempfile.TemporaryDirectory() as folder:
        fetch(revision, (_PAIRS, scores), Path(folder), f"scores of {method} under {protocol}")
        test = read_pairs_csv(Path(folder) / _PAIRS)
        values = read_scores(Path(folder) / scores, test.pairs)
    return Run(values, [f"{test.sha256}/{outfit}" for outfit in test.outfits], [revision] * len(test.pairs))


def read_images(revision: str, method: str, data: DataSet, pairs: Sequence[Pair]) -> dict[Pair, Pixels]:
    """Reads what our model generated of some test pairs, as it was in a commit, branch or experiment.

    Raises:
        StateError: DVC knows no such revision, or the images are not in its cache, of other test pairs or of
            another size.
    """
    generated = f"data/results/{method}/{GENERATED}"
    with tempfile.TemporaryDirectory() as folder:
        fetch(revision, (generated,), Path(folder), f"images of {method}")
        store = ImageStore(Path(folder) / generated)
        if store.info.get("pairs_sha256") != data.test.sha256:
            raise StateError(
                f"{revision}: images of other pairs than {_PAIRS} (found {len(store):,} of another list, "
                f"expected {len(data.test.pairs):,} of this one). Take a revision of the same seed and data."
            )
        images = {pair: store.image(f"{pair_id(*pair)}.png") for pair in pairs}
    height, width = data.size
    for image in images.values():
        if image.shape[:2] != data.size:
            raise StateError(
                f"{revision}: images of another size than the data set's (found {image.shape[0]}x"
                f"{image.shape[1]}, expected {height}x{width}; height x width). Take a revision of this size."
            )
    return images


def to_markdown(
    variants: Mapping[str, Sequence[Run]],
    num_resamplings: int,
    seed: int,
    columns: Sequence[Column] = COLUMNS,
) -> str:
    """A row a variant: means, and below each mean its difference to the first variant, both with intervals.

    Below the table stands what the intervals do not hold.

    Args:
        variants: the runs of each, by name. Runs of several seeds are pooled: the n-th run of each variant
            has the pairs of the n-th run of the first.
        columns: those of all metrics, in the order of the table.

    Raises:
        StateError: the variants' runs are of different pairs.
    """
    pooled = {name: _pool(runs) for name, runs in variants.items()}
    first_name, first = next(iter(pooled.items()))
    for name, run in pooled.items():
        if run.groups != first.groups:
            raise StateError(
                f"{name}: scores of other pairs than {first_name} (found {len(run.groups):,} pairs, "
                f"expected the same {len(first.groups):,}). Compare runs of the same seeds and data."
            )
    columns = [column for column in columns if all(column.key in run.scores for run in pooled.values())]
    headers = [f"{column.label} {_ARROWS[column.better]}".strip() for column in columns]
    lines = []
    for name, run in pooled.items():
        lines.append([name, *(_mean(run, column, num_resamplings, seed) for column in columns)])
        if run is not first:
            differences = (_difference(run, first, column, num_resamplings, seed) for column in columns)
            lines.append([f"{name} - {first_name}", *differences])
    table = markdown.table(["", *headers], lines, "l" + "r" * len(columns))
    num_trainings = min(len(runs) for runs in variants.values())
    return f"{table}\n\n{_OF_ONE if num_trainings == 1 else _OF_SEVERAL.format(num_trainings)}"


def _pool(runs: Sequence[Run]) -> Run:
    keys = [key for key in runs[0].scores if all(key in run.scores for run in runs)]
    scores = {key: np.concatenate([run.scores[key] for run in runs]) for key in keys}
    trainings = [str(number) for number, run in enumerate(runs) for _ in run.groups]
    return Run(scores, [group for run in runs for group in run.groups], trainings)


def trainings_interval(
    values: Values, run: Run, metric: str, num_resamplings: int, seed: int
) -> tuple[float, float]:
    """95 % percentile interval of the mean of `values` (N,) over outfits and trainings, both drawn anew.

    In resampling r, with c_rt and c_rg the times that training t and outfit g were drawn, and y_tg and n_tg
    the sum and the number of their values, it is sum_tg c_rt c_rg y_tg / sum_tg c_rt c_rg n_tg (Owen 2007,
    "The pigeonhole bootstrap"). Of one training it is the bootstrap of outfits.
    """
    group, of_groups = resample_groups(run.groups, num_resamplings, seed, metric)
    training, of_trainings = resample_groups(run.trainings, num_resamplings, seed, f"{metric}/trainings")
    shape = (of_trainings.shape[1], of_groups.shape[1])
    cell = np.ravel_multi_index((training, group), shape)
    total, number = (
        np.bincount(cell, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
        for weights in (values, np.ones(len(values)))
    )
    means, counts = (((of_trainings @ table) * of_groups).sum(1) for table in (total, number))
    return percentile_interval(means[counts > 0] / counts[counts > 0])


def _mean(run: Run, column: Column, num_resamplings: int, seed: int) -> str:
    values = run.scores[column.key]
    low, high = trainings_interval(values, run, column.key, num_resamplings, seed)
    return f"{column.text(float(values.mean()))} [{column.text(low)}, {column.text(high)}]"


def _difference(run: Run, first: Run, column: Column, num_resamplings: int, seed: int) -> str:
    """Bold where the interval excludes zero."""
    values, others = run.scores[column.key], first.scores[column.key]
    low, high = trainings_interval(values - others, run, column.key, num_resamplings, seed)
    mean, *ends = (format(value, f"+{column.spec}") for value in (float((values - others).mean()), low, high))
    text = f"{mean} [{', '.join(ends)}]"
    return text if low <= 0 <= high else f"**{text}**"
