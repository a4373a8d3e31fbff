import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dnaf.apply.masks.mask import blend, soften

MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def test_weights_fall_evenly_around_a_mask() -> None:
    mask = np.zeros((3, 9), bool)
    mask[:, 0] = True
    assert soften(mask, 3)[1] == pytest.approx([1, 0.75, 0.5, 0.25, 0, 0, 0, 0, 0])


@given(mask=MASKS, width=st.integers(0, 8))
def test_inside_is_whole_and_beyond_the_soft_edge_is_nothing(mask: np.ndarray, width: int) -> None:
    weights = soften(mask, width)
    assert (weights[mask] == 1).all()
    rows, columns = np.nonzero(mask)
    for (row, column), weight in np.ndenumerate(weights):
        distance = min(np.hypot(rows - row, columns - column), default=np.inf)
        assert (weight > 0) == (distance < width + 1)
    assert (soften(mask, 0) == mask).all()


def test_a_blend_is_exact_where_nothing_is_mixed() -> None:
    inside, outside = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    mask = np.random.default_rng(1).random((4, 5)) < 0.5
    assert (
        blend(inside, outside, mask.astype(np.float32)) == np.where(mask[..., None], inside, outside)
    ).all()
    half = np.full((4, 5), 0.5, np.float32)
    assert (
        blend(np.full_like(inside, 100), np.full_like(inside, 50), half).tolist()
        == np.full_like(inside, 75).tolist()
    )
