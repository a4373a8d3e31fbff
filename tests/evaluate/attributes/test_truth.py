from dataclasses import replace

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.demo.figure import draw_figure
from dnaf.data.demo.outfit import sample_outfit
from dnaf.data.formats import deepfashion
from dnaf.evaluate.attributes.torso import SIZE
from dnaf.evaluate.attributes.truth import PATTERNS, draw_torsos, outfit_of, visible_pattern

SEED = 5


def stem(index: int) -> str:
    folder = sample_outfit(SEED, index).folder
    return deepfashion.flat_name(f"{folder}/01_1_front.jpg").removesuffix(".jpg")


def test_the_outfit_of_an_image_is_that_with_which_it_was_drawn() -> None:
    for index in (0, 17):
        found, drawn = outfit_of(stem(index), SEED), sample_outfit(SEED, index)
        assert (found.folder, found.top.pattern, found.top.phase) == (
            drawn.folder,
            drawn.top.pattern,
            drawn.top.phase,
        )


def test_an_image_of_other_people_is_an_error() -> None:
    index = next(i for i in range(9) if sample_outfit(SEED, i).folder != sample_outfit(6, i).folder)
    with pytest.raises(DataError, match=rf"{stem(index)} is no person of the demo drawn with seed 6 "):
        outfit_of(stem(index), 6)
    with pytest.raises(DataError, match="id_00000007"):
        outfit_of("fashionWOMENSkirtsid0000000702_4full", SEED)


def test_a_logo_is_plain_from_behind_and_unknown_from_the_side_as_is_an_open_jacket() -> None:
    outfit = replace(sample_outfit(SEED, 0), open_jacket=False)
    with_logo = replace(outfit, top=replace(outfit.top, pattern="logo"))
    front, back = (draw_figure(SEED, 0, view)[1] for view in ("front", "back"))
    side = front.copy()
    side[[2, 5]] = side[1]
    assert [visible_pattern(with_logo, each) for each in (front, back, side)] == ["logo", "plain", None]
    plaid = replace(outfit, top=replace(outfit.top, pattern="plaid"))
    assert [visible_pattern(plaid, each) for each in (front, back, side)] == ["checked"] * 3
    assert visible_pattern(replace(plaid, open_jacket=True), front) is None


def test_drawn_torsos_show_every_pattern_and_depend_on_the_seed_alone() -> None:
    torsos, labels, outfits = draw_torsos(SEED, (64, 48), 1)
    assert torsos.shape == (len(labels), *SIZE, 3)
    assert len(outfits) == len(labels)
    assert len(set(outfits)) == 8
    assert torsos.dtype == np.uint8
    assert set(labels.tolist()) == set(range(len(PATTERNS)))
    assert 24 < len(labels) <= 48  # eight outfits in six views, some of which hide neck, hips or logo
    again, *_ = draw_torsos(SEED, (64, 48), 1)
    assert np.array_equal(torsos, again)
