"""Draws skeletons over images, to see whether keypoints fit."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    count: Annotated[int, typer.Option(min=1, max=600, help="Number of images")] = 24,
    out: Annotated[Path, typer.Option(help="Where to write the sheet")] = Path("data/preview.png"),
) -> None:
    """Reads data/prepared.zip and data/pairs; writes a sheet of images with their skeletons."""
    from dnaf import files, images
    from dnaf.data.preview import preview

    sheet = preview(Path("data/pairs"), Path("data/prepared.zip"), count)
    files.write_atomic(out, images.encode_png(sheet))
    print(f"{out}: {sheet.shape[1]}x{sheet.shape[0]} pixels")


if __name__ == "__main__":
    _command.run(main)
