"""Run the command of a method's card, and take the images that it makes.

Reads: data/results/METHOD/card.yaml, data/pairs, data/prepared.zip

Writes: data/results/METHOD/images

params.yaml: render, datasets, dataset, methods, method

Documentation: docs/extending.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    method: Annotated[
        str | None, typer.Argument(help="A folder of data/results; by default params.yaml's `method`")
    ] = None,
    dataset: _command.Dataset = None,
) -> str:
    from dnaf.core import commands, config

    method, dataset = method or config.load_method(), dataset or config.load_chosen_dataset()
    methods, canvas = config.load_methods(), config.load(config.Render).canvas
    size, format_name = config.load_size(dataset), config.load_format(dataset)

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.evaluate.submissions.open import read_data_set
    from dnaf.publishing.external import IMAGES, run_external
    from dnaf.publishing.kit import write_kit

    pairs, prepared, results = Path("data/pairs"), Path("data/prepared.zip"), Path("data/results")
    data = read_data_set(Path("data"), format_name, size)
    said = run_external(
        method, results, data, lambda kit: write_kit(kit, pairs, prepared, dataset, canvas, size)
    )
    first = "" if method in methods else f"put {method} into `methods` of params.yaml, then "
    return f"{said} → {results / method / IMAGES}; to score it, {first}run `{commands.dvc('repro')}`"


if __name__ == "__main__":
    _command.run(main)
