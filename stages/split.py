"""Selects the training and test pairs and checks them against the images."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
) -> None:
    """Reads lists and annotations of data/raw/<dataset> and data/images.zip; writes data/pairs."""
    from dnaf import config
    from dnaf.data import split

    max_test_pairs = config.load_max_test_pairs(dataset)
    raw = Path("data/raw") / dataset
    info = split.write_split(raw, Path("data/images.zip"), Path("data/pairs"), max_test_pairs)
    for part in split.PARTS:
        counts = info[part]
        print(f"{part}: {counts['num_pairs']:,} pairs; removed {counts['num_removed']:,} images")


if __name__ == "__main__":
    _command.run(main)
