"""Make a folder that is ready to be published; no part of the pipeline, and nothing is uploaded.

Reads: data/model, data/pairs, data/prepared.zip, data/pose_maps.zip, data/scores

Writes: what --out names: the model, its card with its metrics, and a card of its data

params.yaml: protocols, own

Documentation: docs/training.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    out: Annotated[Path, typer.Option(help="Where to write: a folder that is new or empty")],
) -> str:
    from dnaf.core import config

    protocols, own = config.load_protocols(), config.load_own_metrics()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.evaluate.metrics.own import columns_with
    from dnaf.publishing.publication import PublicationInputs, publish

    data = Path("data")
    inputs = PublicationInputs(
        model=data / "model",
        pairs=data / "pairs",
        prepared=data / "prepared.zip",
        pose_maps=data / "pose_maps.zip",
        metrics=data / "scores",
        columns=columns_with(own),
    )
    publish(out, inputs, protocols)
    return (
        f"Model, card and card of the data → {out}; read its README.md and DATASET.md before you publish it"
    )


if __name__ == "__main__":
    _command.run(main)
