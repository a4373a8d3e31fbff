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
    from dnaf.data.formats import FORMATS
    from dnaf.data.part import PARTS
    from dnaf.data.split import write_split

    form = FORMATS[config.load_format(dataset)]
    size, max_test_pairs = config.load_size(dataset), config.load_max_test_pairs(dataset)
    raw = Path("data/raw") / dataset
    info = write_split(raw, Path("data/images.zip"), Path("data/pairs"), form, size, max_test_pairs)
    for part in PARTS:
        counts = info[part]
        print(
            f"{part}: {counts['num_listed']:,} images, {counts['num_pairs']:,} pairs of "
            f"{counts['num_outfits']:,} outfits; removed {counts['num_removed']:,} images"
        )
    if "num_shared_items" in info:
        print(
            f"outfits in both parts: 0; test items that are trained on in another colour: "
            f"{info['num_shared_items']:,} of {info['num_test_items']:,} "
            f"({info['num_test_images_of_shared_items']:,} test images)"
        )


if __name__ == "__main__":
    _command.run(main)
