"""Tells what is there and what is missing before any long work."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages import _command

_COLOURS = {"ok": "green", "absent": "yellow", "missing": "red", "wrong": "red"}


def main(
    dataset: Annotated[
        str | None, typer.Argument(help="Data set: a key of `datasets` in params.yaml; else the chosen one")
    ] = None,
) -> None:
    """Looks at a data set's files, the disk, weights and base model; exit code 0 if nothing is missing."""
    from rich.console import Console
    from rich.table import Table

    from dnaf import config, fetch
    from dnaf.data import inventory
    from dnaf.data.formats import FORMATS
    from dnaf.data.passwords import find_password
    from dnaf.model.inventory import inspect_model

    dataset = dataset or config.load_chosen_dataset()
    form, size = FORMATS[config.load_format(dataset)], config.load_size(dataset)
    raw = Path("data/raw") / dataset
    findings = inventory.inspect(raw, form, size, Path("data"), partial(find_password, dataset))
    findings += fetch.inspect(config.load_weights(config.Weights.model_fields))
    ready = inventory.is_ready(findings)
    model = inspect_model(config.load(config.Model), size)

    table = Table(title=f"{dataset} ({raw})")
    for heading in ("", "what", "found"):
        table.add_column(heading, overflow="fold")
    for finding in [*findings, *model]:
        colour = _COLOURS[finding.state]
        table.add_row(f"[{colour}]{finding.state}[/]", finding.what, finding.detail)
    Console().print(table)
    if ready:
        print(f"{dataset} is ready: dvc repro unpack split render")
    else:
        guide = raw / "README.md" if (raw / "README.md").is_file() else "docs/data.md"
        print(f"{dataset} is not ready: {guide} says which files belong there and where they come from")
    if not inventory.is_ready(model):
        print("The model is not ready: docs/base-models.md says which base models work and how to get them")
        ready = False
    if not ready:
        sys.exit(1)


if __name__ == "__main__":
    _command.run(main)
