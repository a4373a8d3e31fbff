"""Encode and decode every test pair's target with the base model's autoencoder.

Reads: data/pairs/test.csv, data/prepared.zip, the base model

Writes: data/results/reconstruction/generated.zip

params.yaml: model

Documentation: docs/protocols.md
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.core import config

    base, unshuffle = config.load_autoencoder()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.core.device import default_device
    from dnaf.generate.reconstruct import reconstruct_targets
    from dnaf.model.build import build_autoencoder

    pairs, images = Path("data/pairs/test.csv"), Path("data/prepared.zip")
    output = Path("data/results/reconstruction/generated.zip")
    with _command.writing(output):
        autoencoder, provenance = build_autoencoder(base, unshuffle)
        number = reconstruct_targets(pairs, images, output, autoencoder, provenance, default_device())
    return f"{number:,} targets, encoded and decoded → {output}; put reconstruction into `methods`"


if __name__ == "__main__":
    _command.run(main)
