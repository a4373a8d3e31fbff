"""Unpack and verify the images of a data set; keep them verbatim, and resized.

Reads: data/raw/DATASET

Writes: data/images.zip, data/prepared.zip

params.yaml: datasets, dataset

Documentation: docs/data.md
"""

from functools import partial
from pathlib import Path

from stages import _command


def main(dataset: _command.Dataset = None) -> str:
    from dnaf.core import config
    from dnaf.core.shards import open_shards
    from dnaf.data.archives.passwords import find_password
    from dnaf.data.formats.registry import FORMATS
    from dnaf.data.unpack import unpack

    dataset = dataset or config.load_chosen_dataset()
    data_format = FORMATS[config.load_format(dataset)]
    size = config.load_size(dataset)
    raw, images, prepared = Path("data/raw") / dataset, Path("data/images.zip"), Path("data/prepared.zip")
    with _command.writing(images, prepared), open_shards() as shards:
        password = partial(find_password, dataset)
        counts = unpack(raw, images, prepared, size, data_format, password, shards)
    return (
        f"{counts['num_images']:,} images → {images}, resized to {size[0]}x{size[1]} → {prepared}; "
        f"{counts['num_ignored']:,} other files there were not taken"
    )


if __name__ == "__main__":
    _command.run(main)
