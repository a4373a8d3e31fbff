"""Compares all methods: a table and a figure."""

from pathlib import Path

from stages import _command


def main() -> None:
    """Reads all methods' metrics and images; writes metrics/leaderboard.{md,csv} and qualitative.png."""
    from dnaf import config, files, images
    from dnaf.data.store import ImageStore
    from dnaf.evaluate import inputs
    from dnaf.report import card, figure, leaderboard
    from dnaf.report.methods import read_comparable

    params = config.load(config.Report)
    methods = config.load_methods()
    results = Path("data/results")
    pairs_csv = Path("data/pairs/test.csv")
    test = inputs.read_pairs_csv(pairs_csv)

    cards = {method: card.read_card(results / method / inputs.CARD) for method in methods}
    rows = read_comparable(methods, Path("metrics/methods"))
    present = [row.method for row in rows if row.is_present]
    sheet = figure.qualitative(
        test,
        ImageStore(Path("data/prepared.zip")),
        ImageStore(Path("data/pose.zip")),
        figure.open_columns(present, cards, results, pairs_csv, test.pairs),
        params.num_rows,
    )
    files.write_atomic(Path("metrics/leaderboard.md"), leaderboard.to_markdown(rows, cards))
    files.write_atomic(Path("metrics/leaderboard.csv"), leaderboard.to_table(rows).to_csv(index=False))
    files.write_atomic(Path("metrics/qualitative.png"), images.encode_png(sheet))


if __name__ == "__main__":
    _command.run(main)
