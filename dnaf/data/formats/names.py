"""What names are in every data set.

A "name" is the file name by which lists and annotations know an image (`0265_c3s1_062642_05.jpg`), a "stem"
the name without its suffix, by which everything that this package writes knows it.
"""

Splits = dict[str, dict[str, str]]  # of each split, `train` or `test`: where its images are, by name


def stem(name: str) -> str:
    """The name without `.jpg`, `.jpeg` or `.png`."""
    return name.rpartition(".")[0]
