"""Train an adapter on the frozen base, in rounds; a killed run goes on where it stopped.

Reads: data/pretraining/{dataset_crops,dataset_whole}, data/base/people

Writes: data/pretraining/adapter_VARIANT/ROUND

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.adapter full
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
        int | None,
        typer.Argument(help="of adapter.rounds in the parameters, from 1; by default all, in their order"),
    ] = None,
) -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.adapter import train_round, train_rounds

    data, base = Path("data/pretraining"), Path("data/base/people")
    output = data / f"adapter_{variant}"
    inputs = data, base, output, chosen.adapter, chosen.seed
    folder = train_rounds(variant, *inputs) if round is None else train_round(variant, round, *inputs)
    return f"Adapter → {folder}/model; pairs with what was made of them → {folder}/samples"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
