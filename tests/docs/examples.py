"""The drawn images of docs/examples, on which README.md and docs/applications.md try the trained model.

Run: python -m tests.docs.examples

Two people by the demo's artist, of a seed of their own, and their joints in the form of OpenPose.
"""

import json
import math

from dnaf.core import images
from dnaf.core.images import Pixels
from dnaf.data.demo.figure import SIZE, draw_figure
from dnaf.data.demo.pose import View
from tests.docs.pages import ROOT

FOLDER = ROOT / "docs/examples"
PEOPLE: dict[str, tuple[int, View]] = {"anna": (4, "full"), "ben": (10, "full")}
_SEED = 14


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


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for person in PEOPLE:
        drawn, its_pose = draw(person)
        (FOLDER / f"{person}.png").write_bytes(images.encode_png(drawn))
        (FOLDER / f"{person}.json").write_text(json.dumps(its_pose) + "\n")
