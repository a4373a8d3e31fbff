"""The drawn images of docs/examples, on which README.md and docs/applications.md try the trained model.

Run: python -m tests.docs.examples

Two people by the demo's artist, of a seed of their own, their joints in the form of OpenPose, and label
images as a human parser gives them.
"""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np

from dnaf.apply.masks.label_sets import LABEL_SETS
from dnaf.core import images, seeds
from dnaf.core.images import Pixels
from dnaf.data.demo.body import Figure
from dnaf.data.demo.canvas import Canvas
from dnaf.data.demo.figure import SIZE, _draw, draw_figure
from dnaf.data.demo.outfit import Outfit, sample_outfit
from dnaf.data.demo.pose import View, sample_camera, sample_pose
from tests.docs.pages import ROOT

FOLDER = ROOT / "docs/examples"
PEOPLE: dict[str, tuple[int, View]] = {"anna": (4, "full"), "ben": (10, "full")}
_SEED = 14
_LEAST_CHANGE = 0.15  # of brightness


def draw(name: str) -> tuple[Pixels, dict[str, object]]:
    """Image, uint8 (256, 176, 3), and pose of a person: 18 joints in its pixels, 0 0 0 where hidden."""
    index, view = PEOPLE[name]
    image, keypoints = draw_figure(_SEED, index, view)
    joints: list[float] = []
    for x, y in keypoints.tolist():
        joints += [0.0, 0.0, 0.0] if math.isnan(x) else [round(x), round(y), 1.0]
    height, width = SIZE
    pose = {"canvas_height": height, "canvas_width": width, "people": [{"pose_keypoints_2d": joints}]}
    return image, pose


def draw_labels(name: str) -> Pixels:
    """What a parser with LIP's labels would see of a person, in LIP's palette, uint8 (256, 176, 3).

    A pixel shows what changes it most when that has another colour. All skin is the face's.
    """
    index, view = PEOPLE[name]
    outfit = sample_outfit(_SEED, index)

    def changed(**colours: Any) -> Any:
        difference = _image(replace(outfit, **colours), index, view) - _image(outfit, index, view)
        return np.abs(difference).max(axis=2)

    def of_another_colour(garment: Any) -> Any:
        return replace(garment, first=1 - np.rint(garment.first), second=1 - np.rint(garment.second))

    changes = {
        "Upper-clothes": changed(top=of_another_colour(outfit.top), inner=1 - np.rint(outfit.inner)),
        "Pants": changed(bottom=of_another_colour(outfit.bottom)),
        "Face": changed(skin=1 - np.rint(outfit.skin), lips=1 - np.rint(outfit.lips)),
        "Hair": changed(hair=1 - np.rint(outfit.hair)),
        "Left-shoe": changed(shoes=1 - np.rint(outfit.shoes)),
    }
    lip = LABEL_SETS["lip"]
    colours = np.array(
        [lip.palettes[0][lip.labels.index(label)] for label in ("Background", *changes)], np.uint8
    )
    # Eyes have a colour of their own: background is what changes with its colour.
    changes["Face"] = np.maximum(
        changes["Face"], 1.01 * _LEAST_CHANGE * (changed(background=0.0) < _LEAST_CHANGE)
    )
    least = np.full(SIZE, _LEAST_CHANGE, np.float32)
    return colours[np.argmax([least, *changes.values()], axis=0)]


def _image(outfit: Outfit, index: int, view: View) -> Any:
    rng = seeds.generator(_SEED, "demo figure", index, view)
    pose, camera = sample_pose(rng, outfit, view), sample_camera(rng, view, SIZE)
    figure = Figure(Canvas(SIZE, camera.unit, outfit.background), outfit, pose, camera)
    _draw(figure)
    return figure.canvas.image


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for person in PEOPLE:
        drawn, its_pose = draw(person)
        (FOLDER / f"{person}.png").write_bytes(images.encode_png(drawn))
        (FOLDER / f"{person}.json").write_text(json.dumps(its_pose) + "\n")
        (FOLDER / f"{person}-labels.png").write_bytes(images.encode_png(draw_labels(person)))
