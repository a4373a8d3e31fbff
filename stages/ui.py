"""Serve a page on this machine to try the trained model on, until Ctrl-C.

Reads: data/model, data/pairs, data/prepared.zip

Writes: nothing

params.yaml: generate, render, datasets, dataset, seed

Documentation: docs/applications.md
"""

from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from stages import _command


def main(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Where the browser finds the page")] = 7860,
    model: Annotated[Path, typer.Option(help="The trained model")] = Path("data/model"),
    detector: Annotated[
        str | None,
        typer.Option(
            help="Finds the poses in uploads: mediapipe, or RTMPose's ONNX file; needs dnaf[photos]"
        ),
    ] = None,
) -> None:
    from dnaf.core import commands, config
    from dnaf.core.errors import ConfigError
    from dnaf.evaluate.submissions.find import read_test_pairs

    if find_spec("gradio") is None:
        raise ConfigError(
            f"stages.ui: needs the package gradio, which is not installed. Run `{commands.install('ui')}`."
        )
    print("Loading the data ...", flush=True)
    dataset, seed = config.load_chosen_dataset(), config.load_seed()
    size, render, generate = (
        config.load_size(dataset),
        config.load(config.Render),
        config.load(config.Generate),
    )
    pairs = read_test_pairs(Path("data/pairs")).pairs
    names = list(dict.fromkeys(name for pair in pairs for name in pair))

    print(f"Loading the model {model} ...", flush=True)

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.apply.input_reader import InputReader
    from dnaf.apply.limits import limits
    from dnaf.apply.painter import Painter
    from dnaf.core.device import default_device
    from dnaf.data.detectors.load import load_detector
    from dnaf.ui.actions import About, Actions
    from dnaf.ui.page import serving

    painter = Painter(model, size, render, generate, seed, default_device())
    about = About(str(model), dataset, limits(model, dataset))
    inputs = InputReader(size, detector=None if detector is None else load_detector(detector))
    origin = {"model": str(model), "dataset": dataset, "seed": seed}
    with serving(Actions(painter, inputs, names, generate, origin), port, about) as address:
        print(f"{address} (Ctrl-C ends it)", flush=True)
        try:
            Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    _command.run(main)
