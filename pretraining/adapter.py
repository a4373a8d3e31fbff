"""Train an adapter on the frozen base; a killed run goes on where it stopped.

Reads: data/pretraining/{dataset_IMAGES,adapter_crops_VARIANT}, data/base/people

Writes: data/pretraining/adapter_IMAGES_VARIANT

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.adapter crops full
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages import _command


def main(
    images: Annotated[
        Literal["crops", "whole"], typer.Argument(help="torsos, or whole images from the weights for torsos")
    ],
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
    output = folder / f"adapter_{images}_{variant}"
    start = None if images == "crops" else folder / f"adapter_crops_{variant}"
    dataset, section = folder / f"dataset_{images}", chosen.adapter(images)
    loss = train_adapter(variant, dataset, base, output, section, chosen.seed, start)
    return f"Loss {loss:.4f} at the end → {output}/model; pairs with what was made of them → {output}/samples"


if __name__ == "__main__":
    _command.run(main)
