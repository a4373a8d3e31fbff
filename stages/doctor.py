"""Look at what is there and what is missing, before any long work.

Reads: data/raw/DATASET, the base model and the weights that params.yaml names

Writes: nothing; the exit code is 0 if nothing is missing

params.yaml: datasets, dataset, model, train, weights

Documentation: docs/data.md
"""

import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stages import _command

if TYPE_CHECKING:
    from dnaf.doctor.finding import Finding

_COLOURS = {"ok": "green", "missing": "red", "wrong": "red"}


def main(dataset: _command.Dataset = None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dnaf.core import commands, config
    from dnaf.data.archives.passwords import find_password
    from dnaf.data.formats.registry import FORMATS
    from dnaf.doctor.dataset import inspect_dataset
    from dnaf.doctor.finding import is_ready
    from dnaf.doctor.model import inspect_model
    from dnaf.doctor.weights import inspect_weights

    chosen = config.load_chosen_dataset()
    dataset = dataset or chosen
    data_format, size = FORMATS[config.load_format(dataset)], config.load_size(dataset)
    raw = Path("data/raw") / dataset
    data = inspect_dataset(raw, data_format, size, Path("data"), partial(find_password, dataset))
    weights = inspect_weights(config.load_weights(config.Weights.model_fields))
    model = inspect_model(config.load(config.Model), config.load(config.Train).init, size)

    table = Table(title=Text(f"{dataset} ({raw})", "italic"))
    for heading in ("", "what", "found"):
        table.add_column(heading, overflow="fold")
    findings = [*data, *weights, *model]
    for finding in findings:
        if finding.state != "absent":
            # Not as rich's markup: a detail may quote the name of a file, such as `[/red].png`.
            state = Text(finding.state, _COLOURS[finding.state])
            table.add_row(state, Text(finding.what), Text(finding.detail))
    Console().print(table)
    if absent := _absent(findings):
        print(f"Not there and not needed: {absent}.")
    if is_ready(data):
        choose = "" if dataset == chosen else f"set `dataset: {dataset}` in params.yaml, then "
        print(f"{dataset} is ready: {choose}`{commands.dvc('repro unpack split render')}`")
    elif dataset == "demo":
        print(f"demo is not ready: `{commands.dvc('repro make_demo')}` draws its files")
    else:
        guide = raw / "README.md" if (raw / "README.md").is_file() else "docs/data.md"
        print(f"{dataset} is not ready: {guide} says which files belong there and where they come from")
    if not is_ready(weights):
        print("The metrics are not ready: docs/protocols.md says which weights they need")
    if not is_ready(model):
        print("The model is not ready: docs/base-models.md says which base models work and how to get them")
    if not is_ready(findings):
        sys.exit(1)


def _absent(findings: "Iterable[Finding]") -> str:
    """What can be done without; what that means is said once for all of which it is true."""
    by_meaning: dict[str, list[str]] = {}
    for finding in findings:
        if finding.state == "absent":
            by_meaning.setdefault(finding.detail, []).append(finding.what)
    return "; ".join(f"{', '.join(names)} ({meaning})" for meaning, names in by_meaning.items())


if __name__ == "__main__":
    _command.run(main)
