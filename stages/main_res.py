"""Draw the paper's comparison of methods: pose, source, target, each method, and ours at the right end.

Reads: data/results, data/pairs/test.csv, data/prepared.zip, data/pose_maps.zip

Writes: data/main_res.png, data/main_res.pdf, in the width of a page

params.yaml: methods, datasets, dataset

Documentation: docs/protocols.md
"""

from pathlib import Path

from stages import _command, _sheet


def main(
    dataset: _command.Dataset = None,
    pair: _sheet.PairNames = None,
    rows: _sheet.Rows = 8,
    out: _sheet.Out = Path("data/main_res"),
) -> str:
    from dnaf.core import config
    from dnaf.data.store import ImageStore
    from dnaf.evaluate.submissions.find import CARD, GROUND_TRUTH, MEAN_IMAGE, find_results
    from dnaf.evaluate.submissions.method_card import read_card
    from dnaf.report import figure
    from dnaf.report.panels import open_panels

    # The mean image is not shown, and the truth is the target, which is shown anyway.
    methods = [method for method in config.load_methods() if method not in (GROUND_TRUTH, MEAN_IMAGE)]
    results = _sheet.RESULTS
    data = _sheet.open_data(dataset or config.load_chosen_dataset())
    chosen = figure.choose(data.test, pair, rows)
    cards = {method: read_card(results / method / CARD) for method in methods}
    present = [method for method in methods if find_results(method, results, cards[method]) is not None]
    panels = open_panels(present, cards, results, data, ImageStore(_sheet.POSE_MAPS))
    written = figure.write(figure.draw(figure.of_paper(panels), chosen), out)
    return f"{len(chosen):,} pairs, {len(present)} methods → {', '.join(map(str, written))}"


if __name__ == "__main__":
    _command.run(main)
