"""Train an adapter on the frozen base, in rounds; a killed run goes on where it stopped.

Reads: data/pretraining/{dataset_crops,dataset_whole}, data/base/people

Writes: data/pretraining/adapter_VARIANT/ROUND

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.adapter full 1
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages import _command


def main(
    variant: Annotated[
        Literal["full", "b1", "b2"],
        typer.Argument(help="all, without noise-aware features, or without appearance blocks"),
    ],
    round: Annotated[
        int, typer.Argument(help="of adapter.rounds in the parameters, from 1", metavar="ROUND")
    ],
) -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.adapter import train_round

    data, base = Path("data/pretraining"), Path("data/base/people")
    output = data / f"adapter_{variant}"
    folder = train_round(variant, round, data, base, output, chosen.adapter, chosen.seed)
    return f"Round {round} → {folder}/model; pairs with what was made of them → {folder}/samples"


if __name__ == "__main__":
    _command.run(main)
