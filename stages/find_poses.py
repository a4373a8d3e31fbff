"""Find the poses in a custom data set's photographs, where it has no keypoints.

Reads: data/images.zip

Writes: data/raw/DATASET/keypoints.csv

params.yaml: datasets, dataset

Documentation: docs/data.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: _command.Dataset = None,
    detector: Annotated[
        str, typer.Option(help="What finds poses: `mediapipe`, or RTMPose's ONNX file; needs dnaf[photos]")
    ] = "mediapipe",
) -> str:
    from dnaf.core import commands, config
    from dnaf.core.errors import ConfigError

    dataset = dataset or config.load_chosen_dataset()
    if config.load_format(dataset) != "custom":
        raise ConfigError(
            f"params.yaml: datasets.{dataset}.format: has keypoints of its own (found "
            f"{config.load_format(dataset)}, expected custom). See docs/data.md."
        )

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.data.detectors.load import load_detector, provenance
    from dnaf.data.find_poses import find_poses

    raw = Path("data/raw") / dataset
    with _command.writing(raw / "keypoints.csv"):
        found = load_detector(detector)
        num_images, num_people = find_poses(Path("data/images.zip"), raw, found, provenance(detector))
    return (
        f"{num_people:,} of {num_images:,} photographs have a pose → {raw / 'keypoints.csv'}; "
        f"`{commands.dvc('repro', 'render')}`, then `{commands.stage('preview')}` shows them"
    )


if __name__ == "__main__":
    _command.run(main)
