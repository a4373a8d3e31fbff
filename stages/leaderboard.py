"""Writes the tables of all methods."""

from pathlib import Path

from stages import _command


def main() -> None:
    """Reads all methods' metrics and scores; writes metrics/leaderboard as .md, .tex, .csv and .json."""
    from dnaf import config, files
    from dnaf.evaluate import inputs
    from dnaf.evaluate.card import read_card
    from dnaf.report import latex, leaderboard
    from dnaf.report.board import read_board

    methods, protocols = config.load_methods(), config.load_protocols()
    test = inputs.read_pairs_csv(Path("data/pairs/test.csv"))
    cards = {method: read_card(Path("data/results") / method / inputs.CARD) for method in methods}
    boards = [read_board(protocol, methods, Path("data/scores"), test) for protocol in protocols]
    out = Path("metrics")
    files.write_atomic(out / "leaderboard.md", leaderboard.to_markdown(boards, cards))
    files.write_atomic(out / "leaderboard.tex", latex.to_latex(boards, cards))
    files.write_atomic(out / "leaderboard.csv", leaderboard.to_table(boards).to_csv(index=False))
    files.write_json(out / "leaderboard.json", leaderboard.to_record(boards))


if __name__ == "__main__":
    _command.run(main)
