"""A tiny project with an untrained model and keypoints, on which the applications run."""

from pathlib import Path

import numpy as np

from dnaf.apply.input_reader import InputReader
from dnaf.apply.painter import Painter
from dnaf.core import config, files
from dnaf.core.device import default_device
from dnaf.core.images import Size
from dnaf.data.keypoints.keypoints import Points, write_keypoints
from tests.helpers.training_project import SIZE, TrainingProject

FRAME = (256, 176)

# A standing person in pixels of FRAME, arms a little off; all 18 joints.
STANDING: Points = np.array(
    [
        *((88, 40), (88, 64), (68, 64), (60, 100), (56, 132), (108, 64), (116, 100), (120, 132)),
        *((76, 136), (74, 180), (72, 224), (100, 136), (102, 180), (104, 224)),
        *((84, 36), (92, 36), (80, 38), (96, 38)),
    ],
    np.float64,
)


def in_model_pixels(points: Points) -> Points:
    """From FRAME to the size of the tiny model's images."""
    return points * [SIZE[1] / FRAME[1], SIZE[0] / FRAME[0]]


class ApplicationProject(TrainingProject):
    """A training project whose test images have keypoints, each image a little further to the right."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.names = self.splits["test"]
        self.keypoints = {
            name: STANDING + np.array([4.0 * index, 0.0]) for index, name in enumerate(self.names)
        }
        pairs = root / "data/pairs"
        write_keypoints(pairs / "keypoints.csv", self.names, np.stack(list(self.keypoints.values())))
        files.write_manifest(pairs, {"frame": FRAME})
        self.write_model()

    def painter(
        self, *, size: Size = SIZE, model: Path | None = None, low_memory: bool = False, **generate: object
    ) -> Painter:
        """The project's model or another one, with parameters of the project, changed."""
        self.set_params(generate=dict(generate))
        path = self.root / "params.yaml"
        render, params = config.load(config.Render, path), config.load(config.Generate, path)
        return Painter(
            model or self.root / "data/model", size, render, params, 0, default_device(), low_memory
        )

    def inputs(self) -> InputReader:
        """Reads what is named, from this project's data."""
        return InputReader(SIZE, data=self.root / "data")
