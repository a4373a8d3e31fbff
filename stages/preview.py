"""Draw skeletons over images, to see whether keypoints fit.

Reads: data/pairs, data/prepared.zip

Writes: data/preview.png

params.yaml: nothing

Documentation: docs/data.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    count: Annotated[int, typer.Option(min=1, max=600, help="Number of images")] = 24,
    out: Annotated[Path, typer.Option(help="Where to write the sheet")] = Path("data/preview.png"),
) -> str:
    from dnaf.core import files, images
    from dnaf.data.preview import preview

    sheet = preview(Path("data/pairs"), Path("data/prepared.zip"), count)
    files.write_atomic(out, images.encode_png(sheet))
    return f"Skeletons over images, at most {count} of them → {out}"


if __name__ == "__main__":
    _command.run(main)
