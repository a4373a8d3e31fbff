"""Compares all methods: tables and a figure."""

from pathlib import Path

from stages import _command


def main() -> None:
    """Reads all methods' metrics, scores and images; writes metrics/leaderboard.{md,csv,tex} and a figure."""
    from dnaf import config, files, images
    from dnaf.data.store import ImageStore
    from dnaf.evaluate import inputs
    from dnaf.report import card, figure, latex, leaderboard
    from dnaf.report.board import read_board

    params = config.load(config.Report)
    methods, protocols = config.load_methods(), config.load_protocols()
    metrics, scores, results = Path("metrics/methods"), Path("data/scores"), Path("data/results")
    pairs_csv = Path("data/pairs/test.csv")
    test = inputs.read_pairs_csv(pairs_csv)

    cards = {method: card.read_card(results / method / inputs.CARD) for method in methods}
    boards = [read_board(protocol, methods, metrics, scores, test) for protocol in protocols]
    sheet = figure.qualitative(
        test,
        ImageStore(Path("data/prepared.zip")),
        ImageStore(Path("data/pose.zip")),
        figure.open_columns([row.method for row in boards[0].present], cards, results, pairs_csv, test.pairs),
        params.num_rows,
    )
    files.write_atomic(Path("metrics/leaderboard.md"), leaderboard.to_markdown(boards, cards))
    files.write_atomic(Path("metrics/leaderboard.csv"), leaderboard.to_table(boards).to_csv(index=False))
    files.write_atomic(Path("metrics/leaderboard.tex"), latex.to_latex(boards, cards))
    files.write_atomic(Path("metrics/qualitative.png"), images.encode_png(sheet))


if __name__ == "__main__":
    _command.run(main)
