"""Draw a sheet of each application on the data set's own test pairs.

Reads: data/model, data/pairs, data/prepared.zip, data/artwork

Writes: metrics/applications (PNG), data/applications (PDF)

params.yaml: applications, generate, render, seed, datasets, dataset

Documentation: docs/applications.md
"""

from pathlib import Path

from stages import _command


def main(dataset: _command.Dataset = None) -> str:
    from dnaf.core import commands, config, files
    from dnaf.core.errors import DataError

    dataset = dataset or config.load_chosen_dataset()
    params, seed = config.load(config.Applications), config.load_seed()
    size, render, generate = (
        config.load_size(dataset),
        config.load(config.Render),
        config.load(config.Generate),
    )
    folder = Path("data/artwork")
    artworks = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    if not artworks:
        raise DataError(f"{folder}: no images (found 0, expected at least one .jpg or .png).")

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.apply.input_reader import InputReader
    from dnaf.apply.painter import Painter
    from dnaf.apply.sheets import Sheets
    from dnaf.core.device import default_device
    from dnaf.evaluate.submissions.find import read_pairs_csv
    from dnaf.report import figure

    shown_in, printed_in = Path("metrics/applications"), Path("data/applications")
    with _command.writing(shown_in, printed_in):
        painter = Painter(Path("data/model"), size, render, generate, seed, default_device())
        pairs = figure.spread(read_pairs_csv(Path("data/pairs/test.csv")), params.num_rows)
        sheets = Sheets(painter, InputReader(size), pairs, artworks)
        # Apart: `dvc plots show` reads every file of a folder of plots, and cannot read a PDF.
        with (
            files.atomic_folder(shown_in) as shown,
            files.atomic_folder(printed_in) as printed,
        ):
            drawings = {
                "try_on": sheets.try_on(),
                "mix": sheets.mix(),
                "artwork": sheets.artwork(),
                "interpolation": sheets.interpolation(params.num_frames),
            }
            for name, sheet in drawings.items():
                drawn = figure.draw(sheet.panels, sheet.pairs)
                files.write_atomic(shown / f"{name}.png", figure.to_png(drawn))
                files.write_atomic(printed / f"{name}.pdf", figure.to_pdf(drawn))
    return (
        f"{len(drawings)} sheets → {shown_in}; as PDF → {printed_in}\n"
        f"To use the model on images of your own: `{commands.stage('apply', '--help')}`; "
        f"in a browser: `{commands.stage('ui')}`"
    )


if __name__ == "__main__":
    _command.spare("transformers", *_command.UNUSED_BY_INFERENCE)
    _command.run(main)
