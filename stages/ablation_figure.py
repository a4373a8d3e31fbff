"""Draw the paper's ablation figure: pose, source, target, and what each revision of the model generates.

Reads: data/results/dnaf and params.yaml of the revisions, data/pairs, data/prepared.zip, data/pose_maps.zip

Writes: data/ablation.png, data/ablation.pdf; prints in which parameters the others differ from the last one

params.yaml: datasets, dataset

Documentation: docs/results.md

Example: uv run python -m stages.ablation_figure B1=no-sharing B2=no-blocks Ours=main
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command, _revisions, _sheet


def main(
    variants: Annotated[
        list[str], typer.Argument(help="NAME=REVISION: a column's label, and whose images stand there")
    ],
    pair: _sheet.PairNames = None,
    rows: _sheet.Rows = 8,
    out: _sheet.Out = Path("data/ablation"),
) -> str:
    from dnaf.core import config

    revisions = _revisions.by_name(variants, "NAME=REVISION, as in B1=no-sharing")
    dataset = config.load_chosen_dataset()

    # Only now what takes seconds to import: a wrong argument is told at once.
    from dnaf.data.store import ImageStore
    from dnaf.report import figure
    from dnaf.report.panels import OURS, Panel, open_panels
    from dnaf.report.runs import read_images

    data = _sheet.open_data(dataset)
    chosen = figure.choose(data.test, pair, rows)
    panels = open_panels([], {}, _sheet.RESULTS, data, ImageStore(_sheet.POSE_MAPS))
    for name, revision in revisions.items():
        panels.append(Panel(name, OURS, read_images(revision, OURS, data, chosen).__getitem__))
    written = figure.write(figure.draw(panels, chosen), out)
    _revisions.print_differences({name: [revision] for name, revision in revisions.items()}, [*revisions][-1])
    return f"{len(chosen):,} pairs, {len(revisions)} variants → {', '.join(map(str, written))}"


if __name__ == "__main__":
    _command.run(main)
