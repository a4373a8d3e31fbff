"""Unpacks and verifies the images of a data set."""

from functools import partial
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
) -> None:
    """Reads the archive and lists of data/raw/<dataset>; writes data/images.zip and data/prepared.zip."""
    from pathlib import Path

    from dnaf import config
    from dnaf.data.passwords import find_password
    from dnaf.data.unpack import ARCHIVE, unpack

    size = config.load_size(dataset)
    raw, data = Path("data/raw") / dataset, Path("data")
    ask = partial(find_password, dataset, ARCHIVE)
    info = unpack(raw, data / "images.zip", data / "prepared.zip", size, ask)
    print(f"{info['num_images']:,} images; {info['num_ignored']:,} others in the archive are not listed")


if __name__ == "__main__":
    _command.run(main)
