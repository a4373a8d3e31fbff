"""Compare all methods: a figure and a page.

Reads: data/scores, data/results, data/pairs, data/prepared.zip, data/pose_maps.zip, metrics/train/loss.csv

Writes: report, metrics/qualitative.png

params.yaml: report, methods, protocols, own, datasets, dataset

Documentation: docs/protocols.md
"""

from pathlib import Path

from stages import _command


def main(dataset: _command.Dataset = None) -> str:
    from dnaf.core import commands, config, files
    from dnaf.core.shards import open_shards
    from dnaf.data.store import ImageStore
    from dnaf.evaluate.metrics.own import columns_with
    from dnaf.evaluate.submissions.find import CARD, read_pairs_csv
    from dnaf.evaluate.submissions.method_card import read_card
    from dnaf.evaluate.submissions.open import DataSet
    from dnaf.report import figure
    from dnaf.report.board import read_board
    from dnaf.report.loss_curve import read_loss_curve
    from dnaf.report.page import page
    from dnaf.report.panels import open_panels
    from dnaf.report.tables.strata import read_partitions
    from dnaf.report.typical import typical_pairs

    dataset = dataset or config.load_chosen_dataset()
    params = config.load(config.Report)
    methods, protocols = config.load_methods(), config.load_protocols()
    columns = columns_with(config.load_own_metrics())
    size, format_name = config.load_size(dataset), config.load_format(dataset)
    scores, results = Path("data/scores"), Path("data/results")
    page_folder, qualitative = Path("report"), Path("metrics/qualitative.png")
    with _command.writing(page_folder, qualitative), open_shards() as shards:
        test = read_pairs_csv(Path("data/pairs/test.csv"))
        prepared = ImageStore(Path("data/prepared.zip"))
        data = DataSet(format_name, size, test, Path("data/pairs/train_images.csv"), prepared)

        # Of every method that has a card: papers print numbers of methods whose images nobody has.
        known = sorted(path.parent.name for path in results.glob(f"*/{CARD}"))
        cards = {method: read_card(results / method / CARD) for method in dict.fromkeys([*methods, *known])}
        partitions = read_partitions(Path("data/pairs"), test, format_name)
        boards = [read_board(protocol, methods, scores, test, columns) for protocol in protocols]
        present = [row.method for row in boards[0].present]
        shown_images = [row.method for row in boards[0].present if not row.elsewhere]
        panels = open_panels(shown_images, cards, results, data, ImageStore(Path("data/pose_maps.zip")))
        loss = read_loss_curve(Path("metrics/train/loss.csv"))
        content = page.Content(dataset, data, boards, cards, partitions, panels, loss)
        page.write_page(page_folder, content, shards)
        if shards.index == 0:
            shown, caption = typical_pairs(boards[0], test, cards, params.num_rows)
            sheet = figure.draw(figure.of_paper(panels), shown, caption)
            files.write_atomic(qualitative, figure.to_png(sheet))
    return (
        f"{len(present)} of {len(methods)} methods have results → {page_folder}/index.html, {qualitative}\n"
        "Open report/index.html in a browser. To try another parameter: "
        f"`{commands.dvc('exp run -n NAME -S KEY=VALUE')}` (README.md, Experiments)"
    )


if __name__ == "__main__":
    _command.run(main)
