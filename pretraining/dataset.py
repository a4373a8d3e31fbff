"""Write the drawn people as a data set that DNAF's own training reads.

Reads: data/pretraining/people, data/base/people

Writes: data/pretraining/dataset_IMAGES

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.dataset crops
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages import _command


def main(
    images: Annotated[Literal["crops", "whole"], typer.Argument(help="torsos, or whole images")],
) -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.dataset import write_dataset

    folder = Path("data/pretraining")
    output, side = folder / f"dataset_{images}", chosen.adapter.crop if images == "crops" else None
    write_dataset(folder / "people", Path("data/base/people"), output, side)
    return f"Pairs of training and validation outfits → {output}"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
