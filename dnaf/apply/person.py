"""What applications are given: an image and the pose in it."""

from dataclasses import dataclass

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
