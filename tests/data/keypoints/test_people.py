"""Who of several people is meant: by a number from the left, else the largest, and then it is said."""

from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.keypoints.people import largest, numbered, only, split_number


def person(column: float, height: float) -> Points:
    joints = np.full((18, 2), np.nan)
    joints[:8] = np.stack([np.linspace(column, column + 4, 8), np.linspace(0, height, 8)], axis=1)
    return joints


LEFT, MIDDLE, RIGHT = person(10, 50), person(60, 90), person(120, 70)
GROUP = [RIGHT, LEFT, MIDDLE]


@pytest.mark.parametrize(("number", "expected"), [(1, LEFT), (2, MIDDLE), (3, RIGHT), (None, MIDDLE)])
def test_people_are_counted_from_the_left_and_the_largest_is_taken_without_a_number(
    number: int | None, expected: Points
) -> None:
    assert numbered(number)(GROUP, "group.jpg") is expected


def test_the_choice_of_the_largest_is_said_and_of_the_only_one_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert numbered(None)([LEFT], "one.jpg") is LEFT
    assert numbered(2)(GROUP, "group.jpg") is MIDDLE
    assert capsys.readouterr().err == ""
    numbered(None)(GROUP, "group.jpg")
    assert (
        "group.jpg: 3 people, of whom the largest is taken, number 2 from the left" in capsys.readouterr().err
    )


def test_a_number_that_nobody_has_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"group\.jpg: nobody has number 4 \(found 3, counted from the l"):
        numbered(4)(GROUP, "group.jpg")


def test_the_only_one_is_taken_and_several_are_refused() -> None:
    assert only([LEFT], "a.json") is LEFT
    with pytest.raises(DataError, match=r"a\.json: 2 people"):
        only([LEFT, RIGHT], "a.json")


def test_missing_joints_make_nobody_smaller() -> None:
    sparse = np.full((18, 2), np.nan)
    sparse[[0, 17]] = [[0, 0], [0, 200]]
    assert largest([MIDDLE, sparse]) is sparse


def test_a_number_is_split_from_a_file_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("group.jpg", "take#3", "take"):
        Path(name).touch()
    assert split_number("group.jpg#2") == ("group.jpg", 2)
    assert split_number("take#3") == ("take#3", None), "a file of this name"
    for name in ("group.jpg", "missing.jpg#2", "group.jpg#0", "group.jpg#x", "group.jpg#", "#2"):
        assert split_number(name) == (name, None)
