"""Draws the paper's method comparison: pose, source, target, each method, and ours at the right end."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command, _sheet


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
    pair: _sheet.PairNames = None,
    rows: _sheet.Rows = 8,
    out: _sheet.Out = Path("data/main_res"),
) -> None:
    """Reads all methods' images; writes the figure as PNG and PDF, in the width of a page."""
    from dnaf import config
    from dnaf.data.store import ImageStore
    from dnaf.evaluate.card import read_card
    from dnaf.evaluate.inputs import CARD, MEAN_IMAGE, find_results
    from dnaf.report import figure
    from dnaf.report.panels import open_panels

    methods = [method for method in config.load_methods() if method != MEAN_IMAGE]  # which is not shown
    results = _sheet.RESULTS
    data = _sheet.open_data(dataset)
    chosen = figure.choose(data.test, pair, rows)
    cards = {method: read_card(results / method / CARD) for method in methods}
    present = [method for method in methods if find_results(method, results, cards[method]) is not None]
    panels = open_panels(present, cards, results, data, ImageStore(_sheet.POSE))
    for path in figure.write(figure.draw(figure.of_paper(panels), chosen), out):
        print(path)


if __name__ == "__main__":
    _command.run(main)
