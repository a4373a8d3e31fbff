"""Merge scores that were computed elsewhere into the tables.

Reads: the given files, data/scores, data/pairs/test.csv, data/results

Writes: data/results/METHOD/merged/PROTOCOL.json, and data/results/METHOD/card.yaml if there is none

params.yaml: methods, protocols

Documentation: docs/protocols.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    files: Annotated[list[Path], typer.Argument(help="Files that stages.pack wrote")],
    method: Annotated[
        str | None, typer.Option(help="The name of their row here; by default the sender's")
    ] = None,
) -> str:
    from dnaf.core import commands, config, sections

    methods, protocols = config.load_methods(), config.load_protocols()
    if method:
        sections.validate_field(config.Params, "methods", [method], "--method")

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.evaluate.submissions.find import read_pairs_csv
    from dnaf.publishing.merge import Project, merge

    test = read_pairs_csv(Path("data/pairs/test.csv"))
    project = Project(Path("data/scores"), Path("data/results"), test, methods, protocols)
    merged = merge([Path(file) for file in files], method, project)
    missing = sorted({each.method for each in merged} - set(methods))
    first = f"put {', '.join(missing)} into `methods` of params.yaml, then " if missing else ""
    lines = [f"{each.method} ({each.protocol}) → {each.path}" for each in merged]
    return "\n".join([*lines, f"To see the scores in the tables, {first}run `{commands.dvc('repro')}`"])


if __name__ == "__main__":
    _command.run(main)
