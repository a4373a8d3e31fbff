"""A person on the way from one pose to another."""

import numpy as np

from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.core.images import Pixels
from dnaf.core.progress import track
from dnaf.data.keypoints.keypoints import Points, interpolate


def sequence(
    painter: Painter, style: Person, first: Points, last: Points, num_frames: int, batch_size: int
) -> list[Pixels]:
    """Images of a person, poses evenly spread from the first to the last, both included.

    Args:
        first: keypoints (18, 2) in pixels of the frame.
        last: likewise; a joint that one of both lacks is only there at the end that has it.
        num_frames: at least 2.
        batch_size: images generated at once; they do not depend on it, beyond rounding.
    """
    keypoints = [interpolate(first, last, share) for share in np.linspace(0, 1, num_frames)]
    batches = [keypoints[start : start + batch_size] for start in range(0, num_frames, batch_size)]
    return [
        image
        for batch in track(batches, "Batches of images", len(batches))
        for image in painter.generate([style], batch)
    ]
