"""What names are in every data set.

A "name" is the file name by which lists and annotations know an image (`0265_c3s1_062642_05.jpg`), a "stem"
the name without its suffix, by which everything that this package writes knows it.
"""

from collections.abc import Callable
from typing import NewType

Name = NewType("Name", str)
Stem = NewType("Stem", str)
NameOf = Callable[[str], Name]  # the name that a path or a name in a file stands for; DataError if it is none
Splits = dict[str, dict[Name, str]]  # of each split, `train` or `test`: where its images are, by name


def stem(name: Name) -> Stem:
    """The name without `.jpg`, `.jpeg` or `.png`."""
    return Stem(name.rpartition(".")[0])
