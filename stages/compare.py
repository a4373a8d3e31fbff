"""Compare runs of the model pair by pair: experiments, branches, commits.

Reads: data/scores of the revisions, their params.yaml

Writes: nothing; prints a Markdown table and the parameters in which the variants differ from the first one

params.yaml: evaluate, own, protocol, seed

Documentation: docs/results.md

Example: uv run python -m stages.compare full=full-0,full-1 no-sharing=no-sharing-0,no-sharing-1
"""

from typing import Annotated

import typer

from stages import _command, _revisions


def main(
    variants: Annotated[
        list[str],
        typer.Argument(help="NAME=REVISION[,REVISION...]; several revisions, one a seed, are pooled"),
    ],
    method: Annotated[str, typer.Option(help="Whose scores")] = "dnaf",
) -> None:
    from dnaf.core import config

    protocol, params, seed = config.load_protocol(), config.load(config.Evaluate), config.load_seed()
    joined = _revisions.by_name(variants, "NAME=REVISION[,REVISION...], as in full=full-0,full-1")
    revisions = {name: text.split(",") for name, text in joined.items()}

    # Only now what takes seconds to import: a wrong argument is told at once.
    from dnaf.evaluate.metrics.own import columns_with
    from dnaf.report.runs import read_run, to_markdown

    columns = columns_with(config.load_own_metrics())
    runs = {
        name: [read_run(revision, protocol, method) for revision in listed]
        for name, listed in revisions.items()
    }
    print(to_markdown(runs, params.num_bootstrap, seed, columns), end="\n\n")
    _revisions.print_differences(revisions, next(iter(revisions)))


if __name__ == "__main__":
    _command.run(main)
