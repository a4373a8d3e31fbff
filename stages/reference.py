"""Computes once what all methods are compared with: the features of FID's real images."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
    protocol: Annotated[str, typer.Argument(help="Protocol: cfld, gfla, …; see docs/protocols.md")],
) -> None:
    """Reads data/images.zip, data/prepared.zip and data/pairs; writes data/reference/PROTOCOL."""
    from dnaf import config

    params = config.load(config.Reference)
    weights = config.load_weights(("inception_imagenet", "inception_fid", "dinov2"))
    size, form = config.load_size(dataset), config.load_format(dataset)

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.data.store import ImageStore
    from dnaf.data.tables import read_table
    from dnaf.evaluate.features import feature_networks
    from dnaf.evaluate.protocol import protocol_for
    from dnaf.evaluate.real_images import RealImages
    from dnaf.evaluate.reference import write_reference
    from dnaf.shards import open_shards

    chosen = protocol_for(protocol, form)
    real = RealImages(ImageStore(Path("data/images.zip")), ImageStore(Path("data/prepared.zip")), size)
    stems = [name for (name,) in read_table(Path("data/pairs/train_images.csv"), ["name"])]
    with open_shards() as shards:
        networks = feature_networks(chosen, weights, shards.device)
        write_reference(Path("data/reference") / protocol, chosen, real, stems, networks, params, shards)


if __name__ == "__main__":
    _command.run(main)
