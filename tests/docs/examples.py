"""The drawn images of docs/examples, on which README.md and docs/applications.md try the trained model.

Run: python -m tests.docs.examples

Two people by the demo's artist, of a seed of their own, their joints in the form of OpenPose, and label
images as a human parser gives them.
"""

import json
import math
from collections.abc import Callable
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
_BLACK, _WHITE = np.zeros(3, np.float32), np.ones(3, np.float32)


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

    A pixel shows what changes it most when that is black or white instead. All skin is the face's.
    """
    index, view = PEOPLE[name]
    outfit = sample_outfit(_SEED, index)

    image = _image(outfit, index, view)

    def changed(colours: Callable[[Any], dict[str, Any]]) -> Any:
        others = [_image(replace(outfit, **colours(colour)), index, view) for colour in (_BLACK, _WHITE)]
        return np.abs(np.stack(others) - image).max(axis=(0, 3))

    def of_colour(garment: Any, colour: Any) -> Any:
        return replace(garment, first=colour, second=colour)

    changes = {
        "Upper-clothes": changed(lambda colour: {"top": of_colour(outfit.top, colour), "inner": colour}),
        "Pants": changed(lambda colour: {"bottom": of_colour(outfit.bottom, colour)}),
        "Face": changed(lambda colour: {"skin": colour, "lips": colour}),
        "Hair": changed(lambda colour: {"hair": colour}),
        "Left-shoe": changed(lambda colour: {"shoes": colour}),
    }
    lip = LABEL_SETS["lip"]
    colours = np.array(
        [lip.palettes[0][lip.labels.index(label)] for label in ("Background", *changes)], np.uint8
    )
    # Eyes and the contour have colours of their own: the ground alone is white.
    inside = (image < 1 - _LEAST_CHANGE).any(axis=2)
    changes["Face"] = np.maximum(changes["Face"], 1.01 * _LEAST_CHANGE * inside)
    least = np.full(SIZE, _LEAST_CHANGE, np.float32)
    return colours[np.argmax([least, *changes.values()], axis=0)]


def _image(outfit: Outfit, index: int, view: View) -> Any:
    rng = seeds.generator(_SEED, "demo figure", index, view)
    pose, camera = sample_pose(rng, outfit, view), sample_camera(rng, view, SIZE)
    figure = Figure(Canvas(SIZE, camera.unit), outfit, pose, camera)
    _draw(figure)
    return figure.canvas.image


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for person in PEOPLE:
        drawn, its_pose = draw(person)
        (FOLDER / f"{person}.png").write_bytes(images.encode_png(drawn))
        (FOLDER / f"{person}.json").write_text(json.dumps(its_pose) + "\n")
        (FOLDER / f"{person}-labels.png").write_bytes(images.encode_png(draw_labels(person)))
