"""Compares all methods: a figure and a page."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
) -> None:
    """Reads all methods' metrics, scores and images; writes a figure and the page report/."""
    from dnaf import config, files
    from dnaf.data.store import ImageStore
    from dnaf.evaluate import inputs
    from dnaf.evaluate.card import read_card
    from dnaf.evaluate.results import DataSet
    from dnaf.report import figure, page
    from dnaf.report.board import read_board
    from dnaf.report.loss_curve import read_loss_curve
    from dnaf.report.panels import open_panels

    params = config.load(config.Report)
    methods, protocols = config.load_methods(), config.load_protocols()
    size, form = config.load_size(dataset), config.load_format(dataset)
    scores, results = Path("data/scores"), Path("data/results")
    test = inputs.read_pairs_csv(Path("data/pairs/test.csv"))
    prepared = ImageStore(Path("data/prepared.zip"))
    data = DataSet(form, size, test, Path("data/pairs/train_images.csv"), prepared)

    cards = {method: read_card(results / method / inputs.CARD) for method in methods}
    boards = [read_board(protocol, methods, scores, test) for protocol in protocols]
    present = [row.method for row in boards[0].present]
    panels = open_panels(present, cards, results, data, ImageStore(Path("data/pose.zip")))
    loss = read_loss_curve(Path("metrics/train/loss.csv"))
    sheet = figure.draw(figure.of_paper(panels), figure.spread(test, params.num_rows))
    page.write_page(Path("report"), page.Content(dataset, data, boards, cards, panels, loss))
    files.write_atomic(Path("metrics/qualitative.png"), figure.to_png(sheet))


if __name__ == "__main__":
    _command.run(main)
