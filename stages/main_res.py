"""Draws the paper's method comparison: pose, source, target, each method, and ours at the right end."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
    pair: Annotated[
        list[str] | None,
        typer.Option(help="A pair, `<source>_2_<target>`, as the report page shows it; may be repeated"),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Without --pair: pairs, spread over the outfits")] = 8,
    out: Annotated[Path, typer.Option(help="Where to write: .png and .pdf are added")] = Path(
        "data/main_res"
    ),
) -> None:
    """Reads all methods' images; writes the figure as PNG and PDF, in the width of a page."""
    from dnaf import config, files
    from dnaf.data.store import ImageStore
    from dnaf.evaluate import inputs
    from dnaf.evaluate.card import read_card
    from dnaf.evaluate.results import DataSet
    from dnaf.report import figure
    from dnaf.report.panels import open_panels

    methods, size, form = config.load_methods(), config.load_size(dataset), config.load_format(dataset)
    results = Path("data/results")
    test = inputs.read_pairs_csv(Path("data/pairs/test.csv"))
    data = DataSet(
        form, size, test, Path("data/pairs/train_images.csv"), ImageStore(Path("data/prepared.zip"))
    )
    cards = {method: read_card(results / method / inputs.CARD) for method in methods}
    present = [
        method for method in methods if inputs.find_results(method, results, cards[method]) is not None
    ]
    panels = open_panels(present, cards, results, data, ImageStore(Path("data/pose.zip")))
    chosen = figure.named(test, pair) if pair else figure.spread(test, rows)
    sheet = figure.draw(figure.of_paper(panels), chosen)
    for suffix, data_of in ((".png", figure.to_png), (".pdf", figure.to_pdf)):
        path = out.with_name(out.name + suffix)
        files.write_atomic(path, data_of(sheet))
        print(path)


if __name__ == "__main__":
    _command.run(main)
