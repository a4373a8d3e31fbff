"""The keypoints of the targets, and those found in a method's images, where the user has them, for PCKh."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.core.images import Size
from dnaf.data.formats.names import Name, Stem
from dnaf.data.keypoints.annotations import read_annotations
from dnaf.data.keypoints.keypoints import Points, read_keypoints
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.evaluate.metrics.pckh import pckh
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.evaluate.submissions.result_names import ResultNames


def target_keypoints(folder: Path, test: TestPairs) -> tuple[dict[Stem, Points], Size]:
    """Keypoints of every target, and the frame (height, width) that they refer to.

    Args:
        folder: what stage split wrote.

    Raises:
        StateError: it is incomplete.
    """
    height, width = files.require_complete(folder)["frame"]
    stems, keypoints = read_keypoints(folder / "keypoints.csv")
    row = {stem: index for index, stem in enumerate(stems)}
    return {target: keypoints[row[target]] for _, target in test.pairs}, (height, width)


def count_joints(
    path: Path, names: ResultNames, pairs: Sequence[Pair], targets: Mapping[Stem, Points], frame: Size
) -> NDArray[np.int64]:
    """Correct and valid joints of each pair (N, 2), from a table in the form of the field's annotations.

    Args:
        path: `name:keypoints_y:keypoints_x`, the name being that of a result image.
        targets: keypoints of each target.
        frame: (height, width) that both refer to.

    Raises:
        DataError: malformed, of another frame, or not exactly one line for each pair.
    """

    def id_of(name: str) -> Name:
        pair = names.pair_of(name)
        if pair is None:
            raise DataError(f"{name}: shows no test pair by its name. Use the keypoints of the results.")
        return Name(pair_id(*pair))  # the name of a result image

    found = read_annotations(path, id_of, frame)
    row: dict[str, int] = {name: index for index, name in enumerate(found.names)}
    missing = [pair for pair in pairs if pair_id(*pair) not in row]
    if missing:
        raise DataError(
            f"{path}: {pair_id(*missing[0])} is missing ({len(missing):,} such; found {len(row):,} of "
            f"{len(pairs):,} pairs). Supply the keypoints of all generated images, or remove the file."
        )
    counts = [pckh(targets[pair[1]], found.keypoints[row[pair_id(*pair)]]) for pair in pairs]
    return np.array(counts, np.int64)
