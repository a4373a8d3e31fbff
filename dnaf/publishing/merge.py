"""Puts scores that were computed elsewhere where stage evaluate finds them, after all files were checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from dnaf.core import commands, files, locks
from dnaf.core.errors import DataError, StateError
from dnaf.evaluate.submissions.find import (
    CARD,
    COPY_SOURCE,
    GROUND_TRUTH,
    MEAN_IMAGE,
    MERGED,
    RECONSTRUCTION,
    TestPairs,
    find_results,
)
from dnaf.evaluate.submissions.method_card import Card, read_card
from dnaf.evaluate.submissions.result_file import ResultFile, find_merged, read_result
from dnaf.report.methods import MethodMetrics, difference, read_metrics
from dnaf.report.panels import OURS
from dnaf.report.scores import read_scores

_COMPUTED_HERE = (OURS, COPY_SOURCE, MEAN_IMAGE, GROUND_TRUTH, RECONSTRUCTION)


@dataclass(frozen=True)
class Project:
    """What is merged into.

    Attributes:
        scores: with `<protocol>/<method>.json`.
        results: the folder of all methods' folders.
        methods, protocols: those of the tables.
    """

    scores: Path
    results: Path
    test: TestPairs
    methods: Sequence[str]
    protocols: Sequence[str]


@dataclass(frozen=True)
class Merged:
    """A file's place.

    Attributes:
        method: the name of its row.
        path: where its copy is.
    """

    method: str
    protocol: str
    path: Path


def merge(paths: Sequence[Path], method: str | None, project: Project) -> list[Merged]:
    """Copies result files to `data/results/<method>/merged/`, with a card where there is none yet.

    Args:
        method: the name of their row; by default the sender's.

    Raises:
        DataError: a file is damaged, or its protocol, pairs or weights are not those of the scores that were
            computed here, or the method is known here with other content.
        StateError: nothing was computed here under its protocol.
        ResourceError: the disk is full or not writable.
    """
    results = [read_result(path) for path in paths]
    merged: list[Merged] = []
    for path, result in zip(paths, results, strict=True):
        name, protocol = method or result.method, str(result.protocol["name"])
        place = project.results / name / MERGED / f"{protocol}.json"
        _require_comparable(path, result, project)
        _require_new(path, result, name, place, project)
        for other, taken in zip(paths, merged, strict=False):
            if taken.path == place and files.read_bytes(other) != files.read_bytes(path):
                raise DataError(f"{path}: {name} under {protocol} is in {other} too, with other content.")
        merged.append(Merged(name, protocol, place))
    with locks.sole_writer(*dict.fromkeys(each.path for each in merged)):
        for path, result, to in zip(paths, results, merged, strict=True):
            card = project.results / to.method / CARD
            if not card.exists():
                # A sender may name its method, but no command that would run here.
                files.write_atomic(card, _to_yaml(result.card.model_copy(update={"command": None})))
            files.write_atomic(to.path, files.read_bytes(path))
    return merged


def _require_comparable(path: Path, result: ResultFile, project: Project) -> None:
    protocol = str(result.protocol["name"])
    if protocol not in project.protocols:
        raise DataError(
            f"{path}: scored under {protocol} (expected one of params.yaml's `protocols`: "
            f"{', '.join(project.protocols)}). Add {protocol} there and run `{commands.dvc('repro')}` first."
        )
    ours = _computed_here(protocol, project)
    if found := difference(result.protocol, ours.protocol):
        raise DataError(
            f"{path}: not comparable with {ours.method}, which was computed here ({found}). Have the method "
            "scored with these pairs, weights and parameters."
        )
    of_pairs = read_scores(project.scores / protocol / f"{ours.method}.csv", project.test.pairs)
    number = len(project.test.pairs)
    for key, values in result.scores.items():
        if len(values) != number:
            raise DataError(f"{path}: {key}: found {len(values):,} scores, expected {number:,}.")
    for key in result.numbers.keys() & ours.numbers.keys():
        if (key in result.scores) != (key in of_pairs):
            raise DataError(
                f"{path}: {key} has scores of single pairs in one of the two, this file or {ours.method}, "
                "which was computed here. Have the method scored by this version."
            )


def _computed_here(protocol: str, project: Project) -> MethodMetrics:
    for name in project.methods:
        metrics = read_metrics(protocol, name, project.scores)
        if metrics.is_present and not metrics.elsewhere:
            return metrics
    raise StateError(
        f"{project.scores / protocol}: nothing was computed here to compare with. Run "
        f"`{commands.dvc('repro')}` with copy_source among `methods`."
    )


def _require_new(path: Path, result: ResultFile, name: str, place: Path, project: Project) -> None:
    """Checks that nothing here is called so but the same thing."""
    another = "Give it another name by --method."
    if name in _COMPUTED_HERE:
        raise DataError(f"{path}: {name} is computed here. {another}")
    folder = project.results / name
    card = read_card(folder / CARD) if (folder / CARD).exists() else result.card
    if card.title != result.card.title:
        raise DataError(
            f"{path}: {name} is another method here (found {result.card.title}, {folder / CARD} has "
            f"{card.title}). {another}"
        )
    if folder.is_dir() and find_results(name, project.results, card) is not None:
        raise DataError(f"{path}: {name} has images here, which stage evaluate scores. {another}")
    there = find_merged(name, project.results, str(result.protocol["name"]))
    if there and files.read_bytes(there) != files.read_bytes(path):
        raise DataError(
            f"{path}: {name} was merged with other content. Remove {place} for this one to take its place."
        )


def _to_yaml(card: Card) -> str:
    text = StringIO()
    yaml = YAML()
    yaml.dump(card.model_dump(exclude_defaults=True), text)
    return text.getvalue()
