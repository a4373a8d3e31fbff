"""Encodes the training images once with the codec of the chosen base model."""

from pathlib import Path

from stages import _command


def main() -> None:
    """Read training pairs and prepared images; write data/latents.zip."""
    from dnaf import config

    base, unshuffle = config.load_codec()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.device import default_device
    from dnaf.model.base import build_codec
    from dnaf.train.latents import write_latents

    codec, provenance = build_codec(base, unshuffle)
    pairs, images, output = Path("data/pairs/train.csv"), Path("data/prepared.zip"), Path("data/latents.zip")
    write_latents(pairs, images, output, codec, provenance, default_device())


if __name__ == "__main__":
    _command.run(main)
