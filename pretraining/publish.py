"""Assemble the pretrained base, or the adapter on it, in one folder that model.base or train.init takes.

Reads: data/pretraining, data/base/efficientnet_lite0

Writes: data/base/people, or data/adapter/people

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.publish autoencoder
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages import _command


def main(
    stage: Annotated[
        Literal["autoencoder", "crops", "base", "adapter"],
        typer.Argument(
            help="the last stage of the base that is done, whose UNet is published; or the adapter"
        ),
    ],
) -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.publish import publish
    from dnaf.pretraining.publish_adapter import publish_adapter

    if stage == "adapter":
        output = Path("data/adapter/people")
        publish_adapter(Path("data/pretraining/adapter_full"), output)
        return f"Adapter → {output}"
    style_encoder, output = Path("data/base/efficientnet_lite0"), Path("data/base/people")
    publish(Path("data/pretraining"), style_encoder, output, stage, chosen)
    return f"Base model → {output}"


if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION)
    _command.run(main)
