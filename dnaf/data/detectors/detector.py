"""What a detector is, and when the joints that its network found are a person."""

from collections.abc import Callable

import numpy as np

from dnaf.core.errors import DataError
from dnaf.core.images import Pixels
from dnaf.data.keypoints.keypoints import Points

Detector = Callable[[Pixels, str], Points]
"""(photograph, its name for errors) -> keypoints (18, 2) in its pixels, missing ones NaN."""

_FEWEST_JOINTS = 6  # fewer are not a person


class NobodyFoundError(DataError):
    """No person is in the photograph, as far as the detector sees."""


def person_of(joints: Points, name: str) -> Points:
    """The joints as they are, if there are enough of them.

    Args:
        joints: float (J, 2), missing ones NaN.
        name: of the photograph, for the error.

    Raises:
        NobodyFoundError: nobody was found.
    """
    num_found = int((~np.isnan(joints[:, 0])).sum())
    if num_found < _FEWEST_JOINTS:
        raise NobodyFoundError(
            f"{name}: no person found (found {num_found} of {len(joints)} joints). "
            "Cut the photograph to the person, or give a pose file."
        )
    return joints
