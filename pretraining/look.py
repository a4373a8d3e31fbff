"""Show what the pretraining has learnt: reconstructions, and sheets from noise.

Reads: data/pretraining

Writes: metrics/pretraining/STAGE.png

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.look crops
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages import _command


def main(
    stage: Annotated[
        Literal["autoencoder", "crops", "base", "adapter"],
        typer.Argument(help="whose result to look at"),
    ],
) -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.model.patch_autoencoder import PATCH
    from dnaf.pretraining.dataset import VALIDATION, sources_of
    from dnaf.pretraining.look import write_pairs, write_reconstructions, write_samples

    folder, output = Path("data/pretraining"), Path(f"metrics/pretraining/{stage}.png")
    height, width = (side // PATCH for side in chosen.people.size)
    if stage == "autoencoder":
        write_reconstructions(folder / "people", folder / "autoencoder", output)
    elif stage == "adapter":
        models = sorted(folder.glob(f"adapter_*/{len(chosen.adapter.rounds)}/model"))
        dataset = folder / f"dataset_{chosen.adapter.rounds[-1].images}"
        write_pairs(models, sources_of(dataset / VALIDATION), output, chosen.seed)
    else:
        crop = chosen.crops.crop if stage == "crops" else chosen.base.crop
        size = (height, width) if crop is None else (crop, crop)
        write_samples(folder / stage, folder / "autoencoder", output, size, chosen.seed)
    return f"Sheet → {output}"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
