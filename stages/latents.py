"""Encode the training images once, with the autoencoder of the base model.

Reads: data/pairs/train.csv, data/prepared.zip, the base model

Writes: data/latents.zip

params.yaml: model

Documentation: docs/training.md
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.core import config

    base, unshuffle = config.load_autoencoder()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.core.shards import open_shards
    from dnaf.model.build import build_autoencoder
    from dnaf.train.latents import write_latents

    pairs, images, output = Path("data/pairs/train.csv"), Path("data/prepared.zip"), Path("data/latents.zip")
    with _command.writing(output), open_shards() as shards:
        autoencoder, provenance = build_autoencoder(base, unshuffle)
        num_encoded = write_latents(pairs, images, output, autoencoder, provenance, shards)
    if not num_encoded:
        return f"No latents to keep: the autoencoder only rearranges pixels, so training does it → {output}"
    return f"Latents of {num_encoded:,} images and their mirror images → {output}"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION, *_command.UNUSED_BY_INFERENCE)
    _command.run(main)
