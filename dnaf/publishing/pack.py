"""One method's scores under one protocol as a file for others, who merge it: see `result_file`."""

import subprocess
from importlib.metadata import version
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.evaluate.submissions.find import CARD, MERGED, TestPairs
from dnaf.evaluate.submissions.method_card import read_card
from dnaf.evaluate.submissions.result_file import Origin, ResultFile, write_result
from dnaf.report.methods import read_metrics
from dnaf.report.scores import read_scores


def pack(method: str, protocol: str, scores: Path, results: Path, test: TestPairs, out: Path) -> None:
    """Writes what evaluate wrote of a method, with its card and what computed it.

    Args:
        scores: with `<protocol>/<method>.json` and `.csv`.
        results: the folder of all methods' folders.

    Raises:
        DataError: the method has no scores of its own here.
        StateError: its scores are missing, damaged or of other pairs.
        ResourceError: the disk is full or not writable.
    """
    metrics = read_metrics(protocol, method, scores)
    if not metrics.is_present:
        raise DataError(f"{results / method}: no images, so there are no scores to pack (method {method}).")
    if metrics.elsewhere:
        raise DataError(
            f"{results / method / MERGED / protocol}.json: computed elsewhere. Pass on this file, as it came."
        )
    of_pairs = read_scores(scores / protocol / f"{method}.csv", test.pairs)
    result = ResultFile(
        method=method,
        card=read_card(results / method / CARD).model_copy(update={"command": None}),
        origin=_origin(),
        numbers=metrics.numbers,
        protocol=metrics.protocol,
        scores={name: values.tolist() for name, values in of_pairs.items()},
    )
    write_result(out, result)


def _origin() -> Origin:
    commit = _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    return Origin(dnaf=version("dnaf"), commit=commit, date=commit and _git("log", "-1", "--format=%cs"))


def _git(*arguments: str) -> str | None:
    """What git says of the working directory; None where there is no git, or nothing committed."""
    try:
        ended = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return ended.stdout.strip()
