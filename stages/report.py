"""Compares all methods: tables and a figure."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
) -> None:
    """Reads all methods' metrics, scores and images; writes metrics/leaderboard.{md,csv,tex} and a figure."""
    from dnaf import config, files, images
    from dnaf.data.store import ImageStore
    from dnaf.evaluate import inputs
    from dnaf.evaluate.card import read_card
    from dnaf.evaluate.results import DataSet
    from dnaf.report import figure, latex, leaderboard
    from dnaf.report.board import read_board

    params = config.load(config.Report)
    methods, protocols = config.load_methods(), config.load_protocols()
    size, form = config.load_size(dataset), config.load_format(dataset)
    metrics, scores, results = Path("metrics/methods"), Path("data/scores"), Path("data/results")
    test = inputs.read_pairs_csv(Path("data/pairs/test.csv"))
    prepared = ImageStore(Path("data/prepared.zip"))
    data = DataSet(form, size, test, Path("data/pairs/train_images.csv"), prepared)

    cards = {method: read_card(results / method / inputs.CARD) for method in methods}
    boards = [read_board(protocol, methods, metrics, scores, test) for protocol in protocols]
    columns = figure.open_columns([row.method for row in boards[0].present], cards, results, data)
    sheet = figure.qualitative(test, prepared, ImageStore(Path("data/pose.zip")), columns, params.num_rows)
    files.write_atomic(Path("metrics/leaderboard.md"), leaderboard.to_markdown(boards, cards))
    files.write_atomic(Path("metrics/leaderboard.csv"), leaderboard.to_table(boards).to_csv(index=False))
    files.write_atomic(Path("metrics/leaderboard.tex"), latex.to_latex(boards, cards))
    files.write_atomic(Path("metrics/qualitative.png"), images.encode_png(sheet))


if __name__ == "__main__":
    _command.run(main)
