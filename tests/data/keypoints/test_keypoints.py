from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import StateError
from dnaf.data.keypoints import keypoints
from tests.helpers.raw_folder import FIGURE, figure


def test_mirroring_exchanges_left_and_right_and_twice_is_nothing() -> None:
    points = figure(missing=[3])
    mirrored = keypoints.mirror(points, 176)
    np.testing.assert_array_equal(mirrored[0], [175 - points[0, 0], points[0, 1]])
    np.testing.assert_array_equal(mirrored[2], [175 - points[5, 0], points[5, 1]])
    assert np.isnan(mirrored[6]).all()
    assert not np.isnan(mirrored[3]).any()
    np.testing.assert_array_equal(keypoints.mirror(mirrored, 176), points)


def test_interpolation_is_linear_and_gives_the_ends_exactly() -> None:
    first, second = figure(missing=[3]), figure(missing=[4]) + 10
    np.testing.assert_array_equal(keypoints.interpolate(first, second, 0), first)
    np.testing.assert_array_equal(keypoints.interpolate(first, second, 1), second)
    middle = keypoints.interpolate(first, second, 0.5)
    assert set(np.flatnonzero(np.isnan(middle[:, 0]))) == {3, 4}
    np.testing.assert_allclose(middle[0], FIGURE[0] + 5)


def test_a_table_of_keypoints_reads_back_to_the_same_numbers(tmp_path: Path) -> None:
    points = np.stack([figure(missing=[2, 17]), figure() / 3, np.full((18, 2), np.nan)])
    points[0, 0] = -31, 1e-7
    keypoints.write_keypoints(tmp_path / "keypoints.csv", ["a", "b", "c"], points)
    stems, found = keypoints.read_keypoints(tmp_path / "keypoints.csv")
    assert stems == ["a", "b", "c"]
    np.testing.assert_array_equal(found, points)


@pytest.mark.parametrize("damage", ["remove", "shorten", "rename column", "text"])
def test_a_damaged_table_of_keypoints_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "keypoints.csv"
    keypoints.write_keypoints(path, ["a", "b"], np.stack([FIGURE, FIGURE]))
    text = path.read_text()
    path.write_text(
        {
            "remove": "",
            "shorten": text[:-10],
            "rename column": text.replace("x0", "z0"),
            "text": text.replace("88", "eighty-eight"),
        }[damage]
    )
    with pytest.raises(StateError, match=r"keypoints\.csv: .*Run stage split again"):
        keypoints.read_keypoints(path)
