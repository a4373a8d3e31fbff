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
    from dnaf.data.store import ImageStore
    from dnaf.evaluate.check import check_results
    from dnaf.evaluate.submissions.find import read_test_pairs
    from dnaf.evaluate.submissions.open import DataSet

    dataset = dataset or config.load_chosen_dataset()
    data = DataSet(
        config.load_format(dataset),
        config.load_size(dataset),
        read_test_pairs(Path("data/pairs")),
        Path("data/pairs/train_images.csv"),
        ImageStore(Path("data/prepared.zip")),
    )
    return check_results(Path(folder), data)


if __name__ == "__main__":
    _command.run(main)
