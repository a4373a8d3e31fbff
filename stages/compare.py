"""Compares runs of the model pair by pair: experiments, branches, commits."""

from typing import Annotated

import typer

from stages import _command


def main(
    variants: Annotated[
        list[str],
        typer.Argument(help="NAME=REVISION[,REVISION...]; several revisions, one a seed, are pooled"),
    ],
    method: Annotated[str, typer.Option(help="Whose scores")] = "dnaf",
) -> None:
    """Prints a Markdown table: each variant's scores, and its difference to the first one with intervals.

    Example: python -m stages.compare full=full-0,full-1 no-sharing=no-sharing-0,no-sharing-1
    """
    from dnaf import config
    from dnaf.errors import ConfigError

    protocol, params, seed = config.load_protocol(), config.load(config.Evaluate), config.load_seed()
    revisions: dict[str, list[str]] = {}
    for variant in variants:
        name, _, joined = variant.partition("=")
        if not name or not joined or name in revisions:
            raise ConfigError(
                f"{variant}: not a variant, or its second mention (expected NAME=REVISION[,REVISION...], "
                "as in full=full-0,full-1)."
            )
        revisions[name] = joined.split(",")

    # Only now what takes seconds to import: a wrong argument is told at once.
    from dnaf.report.runs import read_run, to_markdown

    runs = {name: [read_run(revision, protocol, method) for revision in of] for name, of in revisions.items()}
    print(to_markdown(runs, params.num_bootstrap, seed))


if __name__ == "__main__":
    _command.run(main)
