"""A person on the way from one pose to another."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.core.images import Pixels
from dnaf.core.progress import track
from dnaf.data.keypoints.keypoints import Points, interpolate

_FRAME_MS = 120


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


def to_gif(images: Sequence[Pixels], enlarge: int = 1) -> bytes:
    """An animation there and back, without end; each pixel a square of `enlarge` pixels."""
    there_and_back = [*images, *images[-2:0:-1]]
    frames = [
        Image.fromarray(image.repeat(enlarge, axis=0).repeat(enlarge, axis=1)) for image in there_and_back
    ]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], duration=_FRAME_MS, loop=0, disposal=1
    )
    return buffer.getvalue()
