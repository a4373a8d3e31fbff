"""What the commands that draw sheets of pairs have in common: their options, and the data they show."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dnaf.evaluate.submissions.open import DataSet

PairNames = Annotated[
    list[str] | None,
    typer.Option(help="A pair, `<source>_2_<target>`, as the report page shows it; may be repeated"),
]
Rows = Annotated[int, typer.Option(min=1, help="Without --pair: pairs, spread over the outfits")]
Out = Annotated[Path, typer.Option(help="Where to write: .png and .pdf are added")]

POSE_MAPS = Path("data/pose_maps.zip")
RESULTS = Path("data/results")


def open_data(dataset: str) -> "DataSet":
    """The prepared images in data/ and the test pairs."""
    from dnaf.core import config
    from dnaf.data.store import ImageStore
    from dnaf.evaluate.submissions.find import read_pairs_csv
    from dnaf.evaluate.submissions.open import DataSet

    size, format_name = config.load_size(dataset), config.load_format(dataset)
    test = read_pairs_csv(Path("data/pairs/test.csv"))
    return DataSet(
        format_name, size, test, Path("data/pairs/train_images.csv"), ImageStore(Path("data/prepared.zip"))
    )
