"""What applications are given: an image and the pose in it."""

from dataclasses import dataclass, replace

import numpy as np

from dnaf.apply.masks.by_pose import body_mask
from dnaf.apply.masks.mask import blend, soften
from dnaf.core.errors import DataError
from dnaf.core.images import Pixels
from dnaf.data.keypoints.keypoints import Points


@dataclass(frozen=True)
class Person:
    """An image in the model's frame.

    Attributes:
        image: uint8 RGB (H, W, 3).
        keypoints: float (18, 2), x then y, in its pixels; missing joints are NaN, all of an image of no one.
        others: further images of the same person, which its looks are taken from too.
    """

    image: Pixels
    keypoints: Points
    others: tuple["Person", ...] = ()

    @property
    def has_pose(self) -> bool:
        return not np.isnan(self.keypoints).all()


def in_the_shape_of(wanted: Points, style: Person) -> Person:
    """A style without a pose, such as an artwork, cut out along the body in the wanted pose; else itself.

    What a model has learnt from are persons on a plain ground, each in a known pose. Of a whole image without
    one it takes looks for the ground too, and loses the person in them.

    Args:
        wanted: (18, 2) in pixels of the frame. Without neck and hips the whole image is what is left.
    """
    if not all(other.has_pose for other in style.others):
        style = replace(style, others=tuple(in_the_shape_of(wanted, other) for other in style.others))
    if style.has_pose:
        return style
    try:
        body = body_mask(wanted, style.image.shape[:2])
    except DataError:
        return style
    white = np.full_like(style.image, 255)
    return replace(style, image=blend(style.image, white, soften(body, 0)), keypoints=wanted)
