"""What there is to evaluate: the test pairs, and where a method has its results.

Kept apart from reading the results, which needs pandas and Pillow: most methods of a fresh project have none.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnaf.core import commands, files
from dnaf.core.errors import DataError, StateError
from dnaf.core.filenames import is_left_by_system, suffix
from dnaf.data.formats.names import Stem
from dnaf.data.pairs.tables import PAIR_COLUMNS, read_table
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.plain_files import require_plain, walk

if TYPE_CHECKING:
    from dnaf.data.pairs.pairs import Pair

COPY_SOURCE = "copy_source"
MEAN_IMAGE = "mean_image"
GROUND_TRUTH = "ground_truth"
RECONSTRUCTION = "reconstruction"
GENERATED = "generated.zip"
WRONG_SOURCE = "wrong_source.zip"
NEED_NO_FILES = (COPY_SOURCE, MEAN_IMAGE, GROUND_TRUTH)
CARD = "card.yaml"
KEYPOINTS = "keypoints.csv"
DETECTIONS = "detections.json"
SHARED = "shared"
MERGED = "merged"

_OURS = (GENERATED, WRONG_SOURCE)
_NO_RESULTS = (CARD, KEYPOINTS, DETECTIONS, f"{DETECTIONS}.sha256", "README.md", "README", ".gitignore")
_TO_UNPACK = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class TestPairs:
    """The test pairs in their order.

    Attributes:
        pairs: source and target stems.
        outfits: of each pair, the outfit or person that it shows: those of one are not independent.
        sha256: digest of the list.
    """

    __test__ = False  # for pytest: no test, whatever the name says

    pairs: list["Pair"]
    outfits: list[str]
    sha256: str


def read_test_pairs(folder: Path) -> TestPairs:
    """The test pairs of a complete `pairs` folder.

    Raises:
        StateError: the folder is incomplete or the list is empty.
    """
    files.require_complete(folder)
    return read_pairs_csv(folder / "test.csv")


def read_pairs_csv(path: Path) -> TestPairs:
    """The pairs of a list with the header `source,target,outfit`.

    Raises:
        StateError: no such list, another header or no pairs.
    """
    rows = read_table(path, PAIR_COLUMNS)
    pairs = [(Stem(source), Stem(target)) for source, target, _ in rows]
    return TestPairs(pairs, [outfit for _, _, outfit in rows], files.digest(path))


def find_results(method: str, results: Path, card: Card) -> list[Path] | None:
    """Where a method's images are: archives, folders and images, or the stores that `generate` wrote.

    The method's own files come first; without any, another method's strips in `shared` that show it too.

    Args:
        results: the folder of all methods' folders.

    Returns:
        None if it has no images, as one whose scores were merged; empty for a method that needs no files.

    Raises:
        DataError: there is no folder, or it holds links, or files that cannot be read as results, or a
            method that needs none has some, or there are merged scores beside images.
        StateError: a `.dvc` file stands there without its data.
    """
    folder = results / method
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder (expected one with a {CARD}). Is {method} a method?")
    if os.path.lexists(folder / KEYPOINTS):  # it is not among the content, and is read too
        require_plain(folder / KEYPOINTS)
    found = _content(folder)
    if method in NEED_NO_FILES:
        for path in found:
            raise DataError(f"{path}: not a result of {method} (needs no files). Remove it.")
        return []
    if folder / MERGED in found:
        if len(found) > 1:
            image = next(path for path in found if path.name != MERGED)
            raise DataError(
                f"{image}: is next to {MERGED}, which has the method's scores from elsewhere. Remove one of "
                "the two."
            )
        return None
    for path in found:
        if suffix(path.name) in _TO_UNPACK:
            raise DataError(
                f"{path}: an archive that cannot be read in place (expected a zip, a folder or images). "
                "Unpack it there and remove it."
            )
    ours = [path for path in found if path.name in _OURS]
    if ours and len(ours) < len(found):
        strange = next(path for path in found if path not in ours)
        raise DataError(f"{strange}: is next to {ours[0].name}, which stage generate wrote. Remove it.")
    if ours and folder / GENERATED not in ours:
        raise StateError(f"{folder / GENERATED}: missing, but {WRONG_SOURCE} is there. Run generate again.")
    if found:
        return found
    archives = {strips.archive for strips in card.strips}
    shared = [path for path in _content(results / SHARED) if _bare_name(path) in archives]
    return shared or None


def _content(folder: Path) -> list[Path]:
    """Files and folders that people put into a folder, sorted."""
    if not folder.is_dir():
        return []
    for pointer in sorted(folder.glob("*.dvc")):
        if not pointer.with_suffix("").exists():
            raise StateError(f"{pointer}: its data is not here. Run `{commands.dvc('pull', str(pointer))}`.")
    content = sorted(
        path
        for path in folder.iterdir()
        if path.name not in _NO_RESULTS and path.suffix != ".dvc" and not is_left_by_system(path.name)
    )
    for path in content:
        require_plain(path)
    return [path for path in content if _holds_anything(path)]


def _holds_anything(path: Path) -> bool:
    """Whether it is a file, or a folder with one that no system left behind."""
    return next(walk(path, is_left_by_system), None) is not None


def _bare_name(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def absent(num_expected: int, protocol: str) -> dict[str, Any]:
    """The metrics of a method without results: the same content each time, for DVC to recognise."""
    return {"num_pairs": 0, "num_expected": num_expected, "protocol": {"name": protocol}}
