"""Export a kit for another generator: the test pairs' sources, poses and names of results.

Reads: data/pairs, data/prepared.zip

Writes: what --out names; by default data/kit

params.yaml: render, datasets, dataset

Documentation: docs/extending.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: _command.Dataset = None,
    out: Annotated[Path, typer.Option(help="Where to write: a folder that is new or empty")] = Path(
        "data/kit"
    ),
) -> str:
    from dnaf.core import config

    dataset = dataset or config.load_chosen_dataset()
    canvas, size = config.load(config.Render).canvas, config.load_size(dataset)

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.publishing.kit import README, write_kit

    with _command.writing(out):
        test = write_kit(out, Path("data/pairs"), Path("data/prepared.zip"), dataset, canvas, size)
    return f"{len(test.pairs):,} test pairs of {dataset} → {out}; open {out / README}, then pairs.csv"


if __name__ == "__main__":
    _command.run(main)
