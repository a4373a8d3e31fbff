"""Train the base on torsos, from nothing; a killed run goes on where it stopped.

Reads: data/pretraining/{people,latents}

Writes: data/pretraining/crops

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.crops
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.base import train_base

    folder = Path("data/pretraining")
    people, latents, output = folder / "people", folder / "latents", folder / "crops"
    train_base("crops", people, latents, output, chosen.unet, chosen.crops, chosen.seed)
    return "UNet → data/pretraining/crops"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
