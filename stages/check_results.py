"""Check a set of result images before it is scored.

Reads: the given folder, data/pairs, data/prepared.zip

Writes: nothing

params.yaml: datasets, dataset

Documentation: docs/protocols.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    folder: Annotated[Path, typer.Argument(help="data/results/METHOD, or any folder with result images")],
    dataset: _command.Dataset = None,
) -> str:
    from dnaf.core import config
    from dnaf.evaluate.check import check_results
    from dnaf.evaluate.submissions.open import read_data_set

    dataset = dataset or config.load_chosen_dataset()
    data = read_data_set(Path("data"), config.load_format(dataset), config.load_size(dataset))
    return check_results(Path(folder), data)


if __name__ == "__main__":
    _command.run(main)
