"""Compute once what all methods are compared with: the features of FID's real images.

Reads: data/images.zip, data/prepared.zip, data/pairs/train_images.csv, data/pairs/test.csv,
data/base/efficientnet_lite0

Writes: data/reference/PROTOCOL

params.yaml: reference, weights, own, datasets, dataset, protocol

Documentation: docs/protocols.md
"""

from pathlib import Path

from stages import _command


def main(dataset: _command.Dataset = None, protocol: _command.Protocol = None) -> str:
    from dnaf.core import config
    from dnaf.evaluate.protocols.registry import protocol_for

    dataset, protocol = dataset or config.load_chosen_dataset(), protocol or config.load_protocol()
    params = config.load(config.Reference)
    weights = config.load_weights(("inception_imagenet", "inception_fid", "dinov2"))
    size, format_name = config.load_size(dataset), config.load_format(dataset)
    chosen = protocol_for(protocol, format_name, config.load_own_protocols())

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.core.shards import open_shards
    from dnaf.data.formats.names import Stem
    from dnaf.data.pairs.tables import read_table
    from dnaf.data.store import ImageStore
    from dnaf.evaluate.networks.features import feature_networks
    from dnaf.evaluate.real_images import RealImages
    from dnaf.evaluate.reference import real_stems, write_reference

    data = Path("data")
    out = data / "reference" / protocol
    with _command.writing(out):
        real = RealImages(ImageStore(data / "images.zip"), ImageStore(data / "prepared.zip"), size)
        train = [Stem(stem) for (stem,) in read_table(data / "pairs/train_images.csv", ["stem"])]
        test = read_table(data / "pairs/test.csv", ["source", "target", "outfit"])
        stems = real_stems(chosen, train, [Stem(target) for _, target, _ in test])
        with open_shards() as shards:
            networks = feature_networks(chosen, weights, data, shards.device)
            count = write_reference(out, chosen, real, stems, networks, params, shards)
    if not count:
        return f"{protocol}: no network looks at the images, so there are no features → {out}"
    images = f"{count:,} of {len(stems):,} {chosen.fid_real}"
    return f"{protocol}: features of {images} by {', '.join(networks)} → {out}"


if __name__ == "__main__":
    _command.run(main)
