"""Unpacks and verifies the images of a data set."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
) -> None:
    """Reads the files of data/raw/<dataset>; writes data/images.zip and data/prepared.zip."""
    from dnaf import config
    from dnaf.data.formats import FORMATS
    from dnaf.data.passwords import find_password
    from dnaf.data.unpack import unpack

    form = FORMATS[config.load_format(dataset)]
    size = config.load_size(dataset)
    raw, data = Path("data/raw") / dataset, Path("data")
    ask = partial(find_password, dataset)
    counts = unpack(raw, data / "images.zip", data / "prepared.zip", size, form, ask)
    print(f"{counts['num_images']:,} images; {counts['num_ignored']:,} other files there were not taken")


if __name__ == "__main__":
    _command.run(main)
