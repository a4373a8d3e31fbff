"""One side of a split, training or test: its images, keypoints and pairs."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from dnaf.data.formats.names import Name
from dnaf.data.keypoints.keypoints import Points

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Split:
    """One side of a split, by names.

    Attributes:
        listed: all images, those that are in no pair too.
        kept: images that are in a pair or could be drawn into one.
        keypoints: float (len(kept), 18, 2) in the data set's frame; missing joints are NaN.
        pairs: columns source, target, outfit.
        removed: name and reason of each image that is not kept.
        info: where all that comes from: files, digests, counts; JSON-able.
    """

    listed: list[Name]
    kept: list[Name]
    keypoints: Points
    pairs: pd.DataFrame
    removed: list[tuple[Name, str]]
    info: dict[str, Any]
