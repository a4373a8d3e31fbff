"""Train the autoencoder on drawn people; a killed run goes on where it stopped.

Reads: data/pretraining/people

Writes: data/pretraining/autoencoder

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.autoencoder
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.autoencoder import train_autoencoder

    people, output = Path("data/pretraining/people"), Path("data/pretraining/autoencoder")
    train_autoencoder(people, output, chosen.autoencoder, chosen.seed)
    return "Autoencoder → data/pretraining/autoencoder"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
