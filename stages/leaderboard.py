"""Write the tables of all methods.

Reads: data/scores, data/results (cards), data/pairs

Writes: metrics/leaderboard.md, metrics/leaderboard.tex, metrics/leaderboard.csv, metrics/leaderboard.json,
  metrics/strata.csv

params.yaml: methods, protocols, own, datasets, dataset

Documentation: docs/protocols.md
"""

from pathlib import Path

from stages import _command


def main(dataset: _command.Dataset = None) -> str:
    from dnaf.core import config, files
    from dnaf.evaluate.metrics.own import columns_with
    from dnaf.evaluate.submissions.find import CARD, read_pairs_csv
    from dnaf.evaluate.submissions.method_card import read_card
    from dnaf.report.board import read_board
    from dnaf.report.tables import latex, leaderboard, strata

    format_name = config.load_format(dataset or config.load_chosen_dataset())
    methods, protocols = config.load_methods(), config.load_protocols()
    columns = columns_with(config.load_own_metrics())
    out, pairs = Path("metrics"), Path("data/pairs")
    tables = [out / f"leaderboard.{suffix}" for suffix in ("md", "tex", "csv", "json")]
    with _command.writing(*tables, out / "strata.csv"):
        test = read_pairs_csv(pairs / "test.csv")
        partitions = strata.read_partitions(pairs, test, format_name)
        # Of every method that has a card: papers print numbers of methods whose images nobody has.
        results = Path("data/results")
        known = sorted(path.parent.name for path in results.glob(f"*/{CARD}"))
        cards = {method: read_card(results / method / CARD) for method in dict.fromkeys([*methods, *known])}
        boards = [read_board(protocol, methods, Path("data/scores"), test, columns) for protocol in protocols]
        files.write_atomic(out / "leaderboard.md", leaderboard.to_markdown(boards, cards))
        files.write_atomic(out / "leaderboard.tex", latex.to_latex(boards, cards))
        files.write_atomic(out / "leaderboard.csv", leaderboard.to_table(boards, cards).to_csv(index=False))
        files.write_json(out / "leaderboard.json", leaderboard.to_record(boards, cards))
        stratified = strata.to_table(boards, partitions, test.outfits)
        files.write_atomic(out / "strata.csv", stratified.to_csv(index=False, lineterminator="\n"))
    present = f"{len(boards[0].present)} of {len(methods)} methods have results"
    return (
        f"{present} → {out / 'leaderboard.md'}; the same as .tex, .csv and .json\n"
        f"Scores by kinds of pairs → {out / 'strata.csv'}"
    )


if __name__ == "__main__":
    _command.run(main)
