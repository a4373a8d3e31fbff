"""What detectors found in a method's images: the file in which stage detect hands it to stage evaluate."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnaf.core import commands, files, seals
from dnaf.core.errors import StateError
from dnaf.evaluate.submissions.find import DETECTIONS
from dnaf.evaluate.submissions.open import DataSet, Results


@dataclass(frozen=True)
class Detections:
    """The counts of all pairs.

    Attributes:
        detectors: name or sha256 of what looked, by what it looks for: `pose`, `faces`.
        counts: by column of `metrics.detected`, a number for each pair (N), in the order of the test pairs.
    """

    detectors: Mapping[str, str]
    counts: Mapping[str, NDArray[np.float64]]


def key_of(results: Results, data: DataSet) -> str:
    """What the counts depend on, but for the detectors: pairs, images and keypoints."""
    keypoints = data.train_images.with_name("keypoints.csv")
    return files.fingerprint(
        [data.test.sha256, results.info, data.prepared.fingerprint(), files.digest(keypoints)]
    )


def write_detections(folder: Path, found: Detections, key: str) -> Path:
    """Writes them into a method's folder, for images of this key.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    path = folder / DETECTIONS
    counts = {name: values.tolist() for name, values in found.counts.items()}
    seals.write_sealed_json(path, {"of": key, "detectors": dict(found.detectors), "counts": counts})
    return path


def read_detections(folder: Path, key: str) -> Detections:
    """Reads them from a method's folder.

    Raises:
        StateError: they are damaged, or of other images than those of this key.
    """
    path = folder / DETECTIONS
    content = seals.read_sealed_json(path, "detect")
    if content["of"] != key:
        raise StateError(
            f"{path}: of other images, pairs or keypoints than those that are scored (found "
            f"{content['of'][:12]}…, expected {key[:12]}…). Run `{commands.stage('detect', folder.name)}` "
            "again, or remove the file."
        )
    counts = {name: np.array(values, np.float64) for name, values in content["counts"].items()}
    return Detections(content["detectors"], counts)
