"""Everyone in a photograph, by a detector that finds one person."""

import numpy as np

from dnaf.core.images import Pixels
from dnaf.data.detectors.detector import Detector, NobodyFoundError
from dnaf.data.keypoints.keypoints import Points

_MOST_PEOPLE = 10  # of a crowd the detector would see no one well
_MARGIN = 0.15  # of the longer side of the box around the joints: hair, hands and feet are outside it


def find_people(detect: Detector, photograph: Pixels, name: str) -> list[Points]:
    """The people in a photograph, keypoints (18, 2) each, the one that the detector prefers first.

    Whoever is found is covered by a plain rectangle, and the detector is asked again until it finds nobody,
    or somebody where a rectangle is. People who stand before each other are covered together.

    Raises:
        NobodyFoundError: nobody is found at all.
    """
    found = [detect(photograph, name)]
    left, covered = photograph.copy(), np.zeros(photograph.shape[:2], bool)
    ground = np.median(photograph.reshape(-1, 3), axis=0)
    while len(found) < _MOST_PEOPLE:
        around = _around(found[-1])
        covered[around], left[around] = True, ground
        try:
            person = detect(left, name)
        except NobodyFoundError:
            break
        if _share_in(covered, person) > 1 / 2:
            break
        found.append(person)
    return found


def _around(joints: Points) -> tuple[slice, slice]:
    """Rows and columns of the box around joints, with a margin."""
    low, high = np.nanmin(joints, axis=0), np.nanmax(joints, axis=0)
    margin = _MARGIN * (high - low).max()
    left, top = np.maximum(low - margin, 0).astype(int)
    right, bottom = np.ceil(high + margin).astype(int)
    return slice(top, bottom), slice(left, right)


def _share_in(covered: np.ndarray, joints: Points) -> float:
    x, y = joints[~np.isnan(joints[:, 0])].round().astype(int).T
    height, width = covered.shape
    return float(covered[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].mean())
