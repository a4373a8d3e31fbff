"""Train an adapter on the frozen base; a killed run goes on where it stopped.

Reads: data/pretraining/dataset, data/base/people

Writes: data/pretraining/adapter_VARIANT

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
) -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.adapter import train_adapter

    folder, base = Path("data/pretraining"), Path("data/base/people")
    output = folder / f"adapter_{variant}"
    loss = train_adapter(variant, folder / "dataset", base, output, chosen.adapter, chosen.seed)
    return f"Loss {loss:.4f} at the end → {output}/model; pairs with what was made of them → {output}/samples"


if __name__ == "__main__":
    _command.run(main)
