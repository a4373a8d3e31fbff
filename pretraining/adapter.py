"""Train an adapter on the frozen base; a killed run goes on where it stopped.

Reads: data/pretraining/{dataset_crops,dataset_whole,adapter_STAGE_VARIANT}, data/base/people

Writes: data/pretraining/adapter_STAGE_VARIANT

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.adapter crops full
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages import _command


def main(
    stage: Annotated[
        Literal["crops", "whole", "longer"],
        typer.Argument(help="on torsos; then on whole images; then on these again, in another order"),
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
    output = folder / f"adapter_{stage}_{variant}"
    before = {"crops": None, "whole": "crops", "longer": "whole"}[stage]
    start = None if before is None else folder / f"adapter_{before}_{variant}"
    dataset = folder / f"dataset_{'crops' if stage == 'crops' else 'whole'}"
    seed = chosen.seed + (stage == "longer")
    loss = train_adapter(variant, dataset, base, output, chosen.adapter(stage), seed, start)
    return f"Loss {loss:.4f} at the end → {output}/model; pairs with what was made of them → {output}/samples"


if __name__ == "__main__":
    _command.run(main)
