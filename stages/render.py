"""Draws the pose maps."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
) -> None:
    """Reads the keypoints of data/pairs; writes all pose maps, mirrored ones too, to data/pose.zip."""
    from dnaf import config
    from dnaf.data import render

    params = config.load(config.Render)
    size = config.load_size(dataset)
    num_maps = render.write_pose_maps(
        Path("data/pairs"), Path("data/pose.zip"), params.renderer, params.canvas, size
    )
    print(f"{num_maps:,} pose maps ({params.renderer}) of {size[0]}x{size[1]} pixels")


if __name__ == "__main__":
    _command.run(main)
