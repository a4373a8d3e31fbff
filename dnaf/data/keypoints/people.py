"""Which of several people in an image or a pose file is meant: `group.jpg#2` is the second from the left."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dnaf.core.errors import DataError
from dnaf.core.progress import note
from dnaf.data.keypoints.keypoints import Points

Choose = Callable[[Sequence[Points], str], Points]
"""(one or more people, where they are) -> the one that is meant; keypoints (18, 2) each."""


def split_number(name: str) -> tuple[str, int | None]:
    """The file and the number of `FILE#N`; a name that is no such thing as it is, and None."""
    match = re.fullmatch(r"(.+)#([1-9][0-9]{0,3})", name)
    if match is None or Path(name).exists() or not Path(match[1]).is_file():
        return name, None
    return match[1], int(match[2])


def only(people: Sequence[Points], place: str) -> Points:
    """The only one.

    Raises:
        DataError: there are several.
    """
    if len(people) > 1:
        raise DataError(f"{place}: {len(people)} people (expected at most 1). Keep the one that is meant.")
    return people[0]


def largest(people: Sequence[Points]) -> Points:
    """Whose joints spread over most of the image, by the diagonal of the box around them."""
    return max(people, key=_diagonal)


def numbered(number: int | None) -> Choose:
    """The person with this number from the left, counted from 1; None: the largest, and says so of several.

    Raises:
        DataError: of the choice, where there are fewer.
    """

    def choose(people: Sequence[Points], place: str) -> Points:
        in_order = sorted(people, key=lambda joints: float(np.nanmedian(joints[:, 0])))
        if number is not None:
            if number > len(in_order):
                raise DataError(
                    f"{place}: nobody has number {number} (found {len(in_order)}, counted from the left). "
                    "Give a smaller number, or none for the largest."
                )
            return in_order[number - 1]
        person = largest(in_order)
        if len(in_order) > 1:
            place_in_order = next(index for index, each in enumerate(in_order, 1) if each is person)
            note(
                f"{place}: {len(in_order)} people, of whom the largest is taken, number {place_in_order} "
                f"from the left. {place}#1 is the first"
            )
        return person

    return choose


def _diagonal(joints: Points) -> float:
    return float(np.linalg.norm(np.nanmax(joints, axis=0) - np.nanmin(joints, axis=0)))
