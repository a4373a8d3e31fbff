"""Train the base on whole images, from the weights of crops; a killed run goes on.

Reads: data/pretraining/{people,latents,crops}

Writes: data/pretraining/base

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.base
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.base import train_base

    folder = Path("data/pretraining")
    people, latents, output = folder / "people", folder / "latents", folder / "base"
    train_base("base", people, latents, output, chosen.unet, chosen.base, chosen.seed, folder / "crops")
    return "UNet → data/pretraining/base"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
