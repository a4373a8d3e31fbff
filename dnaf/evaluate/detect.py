"""Identity and pose of a method's images: detectors are put to each of them, and torsos compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnaf.core import files, locks
from dnaf.core.images import Pixels
from dnaf.core.workers import chunked
from dnaf.data.chunks import FinishedChunks
from dnaf.data.detectors.detector import Detector, NobodyFoundError
from dnaf.data.detectors.faces import Faces
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.evaluate.attributes.torso import colour_error, texture_error, torso
from dnaf.evaluate.metrics.pckh import pckh
from dnaf.evaluate.submissions.detections import Detections, key_of
from dnaf.evaluate.submissions.joints import target_keypoints
from dnaf.evaluate.submissions.open import DataSet, Results

_CHUNK = 64  # pairs that a killed run loses at most


@dataclass(frozen=True)
class Detectors:
    """What looks at the images.

    Attributes:
        names: name or sha256 by what it looks for, `pose` and `faces`.
    """

    pose: Detector | None
    faces: Faces | None
    names: Mapping[str, str]


def detect(results: Results, data: DataSet, pairs: Path, detectors: Detectors) -> Detections:
    """Looks at a method's image of every test pair; goes on where a killed run stopped.

    Args:
        pairs: the folder that stage split wrote.

    Returns:
        The counts of `metrics.detected`; without detectors those of torsos alone.

    Raises:
        DataError: a result image cannot be read.
        StateError: pairs or images are incomplete, or another run does the same.
        ResourceError: the disk is full.
    """
    key = files.fingerprint([key_of(results, data), dict(detectors.names)])
    look = _Look(results, data, pairs, detectors)
    chunks = chunked(data.test.pairs, _CHUNK)
    folder = files.scratch_folder("detect", key)
    with locks.sole_writer(folder):
        shown = f"Looking at {len(data.test.pairs):,} images"
        counts = FinishedChunks(folder).make_arrays(chunks, look.at, shown)
        files.remove_folder(folder)
    return Detections(detectors.names, counts)


class _Look:
    """Counts what is to be seen in one image at a time."""

    def __init__(self, results: Results, data: DataSet, pairs: Path, detectors: Detectors) -> None:
        self._results, self._data, self._detectors = results, data, detectors
        self._targets, self._frame = target_keypoints(pairs, data.test)
        self._real_face = cache(self._find_real_face)

    def at(self, pairs: Sequence[Pair]) -> dict[str, NDArray[np.float64]]:
        """The counts of these pairs' images, by column."""
        rows = [self._count(pair) for pair in pairs]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _count(self, pair: Pair) -> dict[str, float]:
        image, target = self._results.generated(pair), self._data.prepared.image(f"{pair[1]}.png")
        counts = _of_torsos(target, self._keypoints(pair, target), image, self._keypoints(pair, image))
        if self._detectors.pose is not None:
            counts |= _of_pose(self._detectors.pose, image, self._keypoints(pair, image), pair_id(*pair))
        if self._detectors.faces is not None:
            counts |= self._of_faces(self._detectors.faces, image, pair)
        return counts

    def _keypoints(self, pair: Pair, image: Pixels) -> Points:
        """The target's, in pixels of an image that shows the whole frame."""
        scale = np.array(image.shape[1::-1]) / np.array(self._frame[::-1])
        return self._targets[pair[1]] * scale

    def _of_faces(self, faces: Faces, image: Pixels, pair: Pair) -> dict[str, float]:
        source, target = (self._real_face(stem) for stem in pair)
        generated = None if target is None else faces(image)
        counts = {}
        for name, real in (("target", target), ("source", source)):
            alike = 0.0 if real is None or generated is None else float(real @ generated)
            counts[f"face_{name}_sum"] = alike
            counts[f"face_{name}_valid"] = float(real is not None and target is not None)
        return counts

    def _find_real_face(self, stem: Stem) -> NDArray[np.float32] | None:
        assert self._detectors.faces is not None
        return self._detectors.faces(self._data.prepared.image(f"{stem}.png"))


def _of_torsos(
    target: Pixels, target_keypoints: Points, image: Pixels, keypoints: Points
) -> dict[str, float]:
    real, generated = torso(target, target_keypoints), torso(image, keypoints)
    if real is None or generated is None:
        return {"torso_colour_sum": 0.0, "torso_texture_sum": 0.0, "torso_valid": 0.0}
    return {
        "torso_colour_sum": colour_error(real, generated),
        "torso_texture_sum": texture_error(real, generated),
        "torso_valid": 1.0,
    }


def _of_pose(detector: Detector, image: Pixels, keypoints: Points, name: str) -> dict[str, float]:
    try:
        found = detector(image, name)
    except NobodyFoundError:
        found = np.full((NUM_JOINTS, 2), np.nan)
    correct, valid = pckh(keypoints, found)
    distances = np.linalg.norm(found - keypoints, axis=1)
    is_found = ~np.isnan(distances)
    return {
        "joints_correct": float(correct),
        "joints_valid": float(valid),
        "joint_error_sum": 100 * float(distances[is_found].sum()) / image.shape[0],
        "joints_found": float(is_found.sum()),
    }
