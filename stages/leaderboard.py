"""Write the tables of all methods.

Reads: data/scores, data/results (cards), data/pairs/test.csv

Writes: metrics/leaderboard.md, metrics/leaderboard.tex, metrics/leaderboard.csv, metrics/leaderboard.json

params.yaml: methods, protocols

Documentation: docs/protocols.md
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.core import config, files
    from dnaf.evaluate.submissions.find import CARD, read_pairs_csv
    from dnaf.evaluate.submissions.method_card import read_card
    from dnaf.report.board import read_board
    from dnaf.report.tables import latex, leaderboard

    methods, protocols = config.load_methods(), config.load_protocols()
    out = Path("metrics")
    with _command.writing(*(out / f"leaderboard.{suffix}" for suffix in ("md", "tex", "csv", "json"))):
        test = read_pairs_csv(Path("data/pairs/test.csv"))
        # Of every method that has a card: papers print numbers of methods whose images nobody has.
        results = Path("data/results")
        known = sorted(path.parent.name for path in results.glob(f"*/{CARD}"))
        cards = {method: read_card(results / method / CARD) for method in dict.fromkeys([*methods, *known])}
        boards = [read_board(protocol, methods, Path("data/scores"), test) for protocol in protocols]
        files.write_atomic(out / "leaderboard.md", leaderboard.to_markdown(boards, cards))
        files.write_atomic(out / "leaderboard.tex", latex.to_latex(boards, cards))
        files.write_atomic(out / "leaderboard.csv", leaderboard.to_table(boards, cards).to_csv(index=False))
        files.write_json(out / "leaderboard.json", leaderboard.to_record(boards, cards))
    present = f"{len(boards[0].present)} of {len(methods)} methods have results"
    return f"{present} → {out / 'leaderboard.md'}; the same as .tex, .csv and .json"


if __name__ == "__main__":
    _command.run(main)
