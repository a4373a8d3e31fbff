"""The trunk of a person in a pose, from the neck to the middle of the hips: the measure of their size."""

from dataclasses import dataclass

import numpy as np

from dnaf.core.errors import DataError
from dnaf.data.keypoints.keypoints import LEFT_HIP, NECK, RIGHT_HIP, Points


@dataclass(frozen=True)
class Trunk:
    """A line in pixels of the frame.

    Attributes:
        centre: float (2,), x then y.
        length: between its ends.
    """

    centre: Points
    length: float


def trunk_of(keypoints: Points, purpose: str, remedy: str) -> Trunk:
    """The trunk of keypoints (18, 2), missing ones NaN.

    Args:
        purpose: what it is needed for, for the error.
        remedy: what to do without it.

    Raises:
        DataError: the neck or a hip is missing, or both ends are in one place.
    """
    neck, hips = keypoints[NECK], keypoints[[RIGHT_HIP, LEFT_HIP]].mean(axis=0)
    length = float(np.linalg.norm(neck - hips))
    if not length > 0:
        found = "one of them missing" if np.isnan(length) else "them in one place"
        raise DataError(f"pose: neck and hips are needed {purpose} (found {found}). {remedy}")
    return Trunk((neck + hips) / 2, length)


def fitted(wanted: Points, person: Points) -> Points:
    """A wanted pose as large as a person and where they are: scaled and moved, so that both trunks agree.

    Args:
        wanted: keypoints (18, 2) in pixels of the frame; missing ones are NaN, here and in the result.
        person: those of the person who is to take the pose.

    Raises:
        DataError: the neck or a hip of either is missing.
    """
    of_wanted, of_person = (
        trunk_of(each, "to fit a pose to a person", "Leave --fit-pose out.") for each in (wanted, person)
    )
    scale = of_person.length / of_wanted.length
    return (wanted - of_wanted.centre) * scale + of_person.centre
