"""MediaPipe's own network on a photograph that scikit-image has, and on the drawn people of the examples."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.data.detectors.load import MEDIAPIPE, load_detector
from dnaf.data.keypoints.keypoints import NECK
from tests.helpers.raw_folder import SHARED_DATA

pytest.importorskip("mediapipe", reason="mediapipe 0.10.14 is not installed: this Python has no wheel of it")

EXAMPLES = Path(__file__).resolve().parents[3] / "docs/examples"
PHOTOGRAPHS = SHARED_DATA / "real/photos/images"
NOSE, RIGHT_SHOULDER, LEFT_SHOULDER, RIGHT_KNEE, LEFT_KNEE = 0, 2, 5, 9, 12
RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR = 14, 15, 16, 17


def test_an_astronaut_who_faces_the_camera_has_her_right_side_on_the_left_and_no_knees() -> None:
    points = load_detector(MEDIAPIPE)(skimage.data.astronaut(), "astronaut.png")
    face = points[[NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR]]
    # Read off the photograph by eye.
    assert face == pytest.approx(
        np.array([[223, 127], [203, 104], [249, 112], [189, 110], [284, 125]]), abs=22
    )
    assert points[RIGHT_SHOULDER, 0] < 160 < 270 < points[LEFT_SHOULDER, 0]
    assert points[NECK] == pytest.approx((points[RIGHT_SHOULDER] + points[LEFT_SHOULDER]) / 2)
    assert np.isnan(points[[RIGHT_KNEE, LEFT_KNEE]]).all(), "they are below the photograph"


@pytest.mark.parametrize("name", ["anna", "ben"])
def test_a_drawn_person_is_found_where_it_was_drawn(name: str) -> None:
    drawn = np.array(json.loads((EXAMPLES / f"{name}.json").read_text())["people"][0]["pose_keypoints_2d"])
    expected = drawn.reshape(-1, 3)
    photograph = images.read(EXAMPLES / f"{name}.png")
    distance = np.linalg.norm(load_detector(MEDIAPIPE)(photograph, name) - expected[:, :2], axis=1)
    seen = (expected[:, 2] > 0) & ~np.isnan(distance)
    assert seen.sum() >= 12
    assert np.median(distance[seen]) < 0.03 * photograph.shape[0]


def test_the_pose_is_in_pixels_of_the_photograph_whatever_its_size() -> None:
    detect, small = load_detector(MEDIAPIPE), skimage.data.astronaut()
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    face = [NOSE, RIGHT_EYE, LEFT_EYE]
    # The network sees other pixels: 1 % of the height.
    assert detect(large, "large")[face] == pytest.approx(2 * detect(small, "small")[face], abs=10)


_LOADED_THEN_DRAWN = """
import sys
from dnaf.data.detectors.load import load_detector
load_detector("mediapipe")
print("matplotlib" in sys.modules)
import matplotlib.pyplot
print(matplotlib.pyplot.figure.__name__)
"""


def test_matplotlib_is_not_loaded_for_it_and_works_afterwards() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _LOADED_THEN_DRAWN], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "figure"]


def test_a_photograph_without_a_person_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"rocket\.png: no person found \(found 0 of 33 joints\)"):
        load_detector(MEDIAPIPE)(skimage.data.rocket()[:200, :200], "rocket.png")


def test_native_notes_do_not_reach_the_terminal_and_errors_after_them_do(
    capfd: pytest.CaptureFixture[str],
) -> None:
    load_detector(MEDIAPIPE)(skimage.data.astronaut(), "astronaut.png")
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the real photographs are not beside the project")
def test_most_photographs_of_people_have_a_pose_and_the_others_one_sentence() -> None:
    detect, photographs = load_detector(MEDIAPIPE), sorted(PHOTOGRAPHS.rglob("*.jpg"))
    refused = []
    for path in photographs:
        photograph = images.read(path)
        try:
            points = detect(photograph, path.name)
        except DataError as error:
            refused.append(str(error))
            continue
        inside = points[~np.isnan(points[:, 0])]
        assert (inside >= 0).all()
        assert (inside <= photograph.shape[1::-1]).all()
    assert all("no person found" in sentence for sentence in refused)
    assert len(refused) < 0.1 * len(photographs)
