"""What names are in every data set.

A "name" is the file name by which lists and annotations know an image (`0265_c3s1_062642_05.jpg`), a "stem"
the name without its suffix, by which everything that this package writes knows it.
"""

from collections.abc import Callable
from typing import NamedTuple, NewType

Name = NewType("Name", str)
Stem = NewType("Stem", str)
NameOf = Callable[[str], Name]  # the name that a path or a name in a file stands for; DataError if it is none
Splits = dict[str, dict[Name, str]]  # of each split, `train` or `test`: where its images are, by name

NEITHER = "neither"  # stands for the part of an image that is in none


class LeftOut(NamedTuple):
    """An image of the data set that is not used: a row of `removed.csv`."""

    name: Name
    split: str
    reason: str


class Choice(NamedTuple):
    """Which of the files found are the images of the data set, and which of its images are left out."""

    splits: Splits
    left_out: list[LeftOut]


def stem(name: Name) -> Stem:
    """The name without `.jpg`, `.jpeg` or `.png`."""
    return Stem(name.rpartition(".")[0])
