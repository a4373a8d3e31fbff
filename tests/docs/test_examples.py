"""The committed images of docs/examples are those that the demo's artist draws."""

import json

import numpy as np
import pytest

from dnaf.core import images
from tests.docs.examples import FOLDER, PEOPLE, draw, draw_labels


@pytest.mark.parametrize("name", PEOPLE)
def test_committed_example_is_what_the_artist_draws(name: str) -> None:
    image, pose = draw(name)
    assert json.loads((FOLDER / f"{name}.json").read_text()) == pose
    committed = images.read(FOLDER / f"{name}.png")
    # Another processor rounds a pixel otherwise.
    assert np.abs(committed.astype(int) - image).mean() < 0.1
    labels = images.read(FOLDER / f"{name}-labels.png")
    assert (labels != draw_labels(name)).any(axis=2).mean() < 0.01
