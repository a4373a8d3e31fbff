"""Measure what another image's keys and values change: acceptance before any adapter.

Reads: data/pretraining/{people,latents,STAGE}

Writes: metrics/pretraining/exchange_STAGE.csv

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.exchange crops
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages import _command


def main(
    stage: Annotated[Literal["crops", "base"], typer.Argument(help="which training's result to measure")],
) -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.exchange import probe, to_text

    folder, side = Path("data/pretraining"), chosen.crops.crop if stage == "crops" else None
    output = Path(f"metrics/pretraining/exchange_{stage}.csv")
    people, latents = folder / "people", folder / "latents"
    table = probe(folder / stage, people, latents, output, chosen.exchange, side, chosen.seed)
    return f"Change of the x0 error in percent, by timestep, with 95 % intervals:\n{to_text(table)}"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
