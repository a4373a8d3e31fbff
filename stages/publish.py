"""Makes a folder that is ready to be published; no part of the pipeline."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    out: Annotated[Path, typer.Option(help="Where to write: a folder that is new or empty")],
) -> None:
    """Copies data/model; adds its metrics to its card, and a card of its data. Nothing is uploaded."""
    from dnaf import config

    protocols = config.load_protocols()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.publishing import Inputs, publish

    data = Path("data")
    inputs = Inputs(
        model=data / "model",
        pairs=data / "pairs",
        prepared=data / "prepared.zip",
        poses=data / "pose.zip",
        metrics=data / "scores",
    )
    publish(out, inputs, protocols)
    print(f"{out}: ready to be published; read README.md and DATASET.md before you do")


if __name__ == "__main__":
    _command.run(main)
