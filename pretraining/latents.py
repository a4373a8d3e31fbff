"""Encode the drawn people with the trained autoencoder, once.

Reads: data/pretraining/{people,autoencoder}

Writes: data/pretraining/latents

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.latents
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.pretraining.people_latents import encode_people

    folder = Path("data/pretraining")
    encode_people(folder / "people", folder / "autoencoder", folder / "latents")
    return "Latents → data/pretraining/latents"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
