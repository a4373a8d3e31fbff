"""Pairs: which image is generated from which.

A pair is ordered: source (whose person and clothes are kept), then target (the wanted pose). The published
DeepFashion pairs are a function of the annotation file; `select_pairs` is that function, and reproduces the
published list of 8,570 test pairs byte for byte.
"""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnaf.core.errors import DataError
from dnaf.data.formats.lists import read_lines
from dnaf.data.formats.names import Name, NameOf, Stem, stem

NamePair = tuple[Name, Name]  # source, target, as the user's files have them
Pair = tuple[Stem, Stem]  # source, target, as everything from stage split on has them
KeyOf = Callable[[Name], str]  # of a name, e.g. its outfit

OCCLUDED = "occluded: shoulders or hips missing"
ALONE = "alone in its outfit"
NOT_ANNOTATED = "not annotated"
UNPAIRED = "in neither pair list"
NOBODY = "nobody found: no joints"

_SHOULDERS_AND_HIPS = [2, 5, 8, 11]


def pair_id(source: Stem, target: Stem) -> str:
    """Name of a generated image: `<source stem>_2_<target stem>`, a custom data set's folders by `-`."""
    return f"{source}_2_{target}".replace("/", "-")


def group_by_outfit(
    names: Sequence[Name], keypoints: NDArray[np.float64], outfit: KeyOf
) -> dict[str, list[Name]]:
    """Groups the images that show both shoulders and both hips, in order of first appearance.

    Args:
        names: flat names in the order of the annotation file.
        keypoints: float (N, 18, 2); missing joints are NaN.
        outfit: the outfit of a name.
    """
    occluded = np.isnan(keypoints[:, _SHOULDERS_AND_HIPS].sum(axis=(1, 2)))
    groups: dict[str, list[Name]] = {}
    for name, is_occluded in zip(names, occluded, strict=True):
        if not is_occluded:
            groups.setdefault(outfit(name), []).append(name)
    return groups


def select_pairs(names: Sequence[Name], keypoints: NDArray[np.float64], outfit: KeyOf) -> pd.DataFrame:
    """All ordered pairs within an outfit, columns `source`, `target`, `outfit`, of the images that are clear.

    Args:
        names: flat names in the order of the annotation file; the order of the result follows it.
        keypoints: float (N, 18, 2); missing joints are NaN.
        outfit: the outfit of a name.

    Source: PATN@281ee2d:tool/create_pairs_dataset.py:18-74, with outfits (item and colour) as groups.
    """
    columns: dict[str, list[str]] = {"source": [], "target": [], "outfit": []}
    for key, group in group_by_outfit(names, keypoints, outfit).items():
        for source, target in permutations(group, 2):
            columns["source"].append(source)
            columns["target"].append(target)
            columns["outfit"].append(key)
    return pd.DataFrame(columns, dtype="object")


def with_stems(pairs: pd.DataFrame) -> pd.DataFrame:
    """A table of pairs by stems instead of names; one string for all pairs of an image."""
    stems = {name: stem(name) for name in {*pairs["source"], *pairs["target"]}}
    return pairs.assign(source=pairs["source"].map(stems), target=pairs["target"].map(stems))


def draw(pairs: pd.DataFrame, max_pairs: int) -> pd.DataFrame:
    """The pairs shuffled and cut to a number, as the published test lists were (with 12,000).

    Source: PATN@281ee2d:tool/create_pairs_dataset.py:18-74 (pandas, random_state=0).
    """
    return pairs.sample(n=min(max_pairs, len(pairs)), replace=False, random_state=0)


class Rows(Collection[NamePair]):
    """Sources and targets of a table of pairs, each made when it is asked for: all would fill 100 MB."""

    def __init__(self, pairs: pd.DataFrame) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[NamePair]:
        return zip(self._pairs["source"], self._pairs["target"], strict=True)

    def __contains__(self, pair: object) -> bool:
        return any(each == pair for each in self)


def removed_images(
    names: Sequence[Name], keypoints: NDArray[np.float64], outfit: KeyOf
) -> list[tuple[Name, str]]:
    """Name and reason of each image that `select_pairs` leaves out, in the order of `names`."""
    groups = group_by_outfit(names, keypoints, outfit)
    group_size = {name: len(group) for group in groups.values() for name in group}
    return [
        (name, ALONE if name in group_size else OCCLUDED) for name in names if group_size.get(name, 0) < 2
    ]


def read_pair_list(path: Path, name_of: NameOf) -> list[NamePair]:
    """Reads a pair list as (source, target) names, in the file's order.

    The two families have opposite orders, so the file's kind decides: `*.txt` holds lines
    `target,source[,source...]` of paths, `*.csv` has columns `from` (source) and `to` (target).

    Args:
        name_of: the name that a field stands for; DataError if it is none.

    Source: NTED@6e3f0e9:data/fashion_data.py:49-63 (txt), CFLD@f2ea2a7:datasets/deepfashion.py (csv).

    Raises:
        DataError: malformed line, an image paired with itself, a pair listed twice.
    """
    lines = read_lines(path)
    fields = _pairs_of_csv(path, lines) if path.suffix == ".csv" else _pairs_of_txt(path, lines)
    first_line: dict[NamePair, int] = {}
    for number, (source, target) in fields:
        try:
            pair = name_of(source), name_of(target)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        if pair[0] == pair[1]:
            raise DataError(f"{path}:{number}: {pair[0]} is paired with itself. Download the list again.")
        if pair in first_line:
            raise DataError(
                f"{path}:{number}: pair listed twice (found {pair[0]} to {pair[1]} in line "
                f"{first_line[pair]} too). Download the list again."
            )
        first_line[pair] = number
    return list(first_line)


def check_against_list(
    path: Path, listed: Collection[NamePair], selected: Collection[NamePair], every: Collection[NamePair]
) -> None:
    """Checks that a published list holds, as a set, the selected pairs, or all those they were drawn from.

    Args:
        path: the list, for the message.
        listed: pairs of the list.
        selected: pairs of this pipeline.
        every: pairs of the selection rule before it was cut to a number.

    Raises:
        DataError: names the first pair that only one of the two has, and both counts.
    """
    if set(listed) == set(selected) or set(listed) == set(every):
        return
    source, target = min(set(listed) ^ set(every))
    where = "listed but not selected" if (source, target) in set(listed) else "selected but not listed"
    raise DataError(
        f"{path}: differs from the pairs selected by the annotation (found {len(listed):,} pairs, expected "
        f"{len(every):,}; {source} to {target} is {where}). "
        "Use lists and annotations of the same origin, or remove the list."
    )


def require_unique_ids(pairs: Collection[NamePair], where: str | Path) -> None:
    """Checks that no two pairs would be written to the same file, also where case does not matter.

    Raises:
        DataError: names the first id that occurs twice.
    """
    # Numbers first: the ids of all pairs of a large data set take hundreds of megabytes.
    hashes = np.fromiter((hash(_file_of(pair)) for pair in pairs), np.int64, len(pairs))
    different, counts = np.unique(hashes, return_counts=True)
    repeated = set(different[counts > 1].tolist())
    seen: set[str] = set()
    for pair in pairs if repeated else ():
        name = _file_of(pair)
        if name in seen:
            raise DataError(f"{where}: two pairs have the same id (found {name}). Rename the images.")
        if hash(name) in repeated:
            seen.add(name)


def _file_of(pair: NamePair) -> str:
    source, target = map(stem, pair)
    return pair_id(source, target).casefold()


def _pairs_of_txt(path: Path, lines: Iterable[str]) -> Iterable[tuple[int, tuple[str, str]]]:
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split(",")]
        if len(fields) < 2:
            raise DataError(f"{path}:{number}: not a pair (found {line[:80]!r}, expected target,source).")
        target, *sources = fields
        for source in sources:
            yield number, (source, target)


def _pairs_of_csv(path: Path, lines: Iterable[str]) -> Iterable[tuple[int, tuple[str, str]]]:
    # No quoting: names contain neither commas nor quotes, and each line stays one row.
    rows = csv.reader(lines, quoting=csv.QUOTE_NONE)
    header = [field.strip() for field in next(rows, [])]
    if header.count("from") != 1 or header.count("to") != 1:
        raise DataError(f"{path}:1: wrong header (found {','.join(header)[:80]!r}, expected from,to).")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(
                f"{path}:{number}: wrong number of columns (found {len(row)}, expected {len(header)})."
            )
        yield number, (row[header.index("from")].strip(), row[header.index("to")].strip())
