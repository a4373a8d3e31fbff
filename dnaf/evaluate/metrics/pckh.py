"""PCKh: which joints of the generated person are where they should be, in parts of the head's size."""

import numpy as np

from dnaf.data.keypoints.keypoints import Points
from dnaf.evaluate.metrics.metric import Column, RatioMetric

COUNTS = ("pckh_correct", "pckh_valid")
"""Columns of the table of all pairs: the numbers of joints that `pckh` gives of each."""

_HEAD = [0, 1, 14, 15, 16, 17]  # nose, neck, eyes, ears
_ALPHA = 0.5


def pckh(real_keypoints: Points, generated_keypoints: Points) -> tuple[int, int]:
    """Numbers of correct and of valid joints of one pair; PCKh is the ratio of their sums over all pairs.

    A joint is valid where the target has it, and correct within half the width and half the height of the box
    around the target's head. A joint missing in the generated image is wrong. Where the target has fewer than
    two joints of the head there is no box, and the pair counts no joint: (0, 0).

    Args:
        real_keypoints: float (18, 2), x then y, of the target; missing joints are NaN.
        generated_keypoints: the same, found in the generated image and in the same frame.

    Source: PATN@281ee2d:tool/calPCKH_fashion.py.
    """
    is_valid = np.isfinite(real_keypoints[:, 0])
    head = real_keypoints[_HEAD][is_valid[_HEAD]]
    if len(head) < 2:
        return 0, 0
    distances = np.abs(generated_keypoints - real_keypoints)  # (18, 2): |dx|, |dy|
    is_correct = (distances < _ALPHA * np.ptp(head, axis=0)).all(axis=1)  # NaN is not
    return int(is_correct.sum()), int(is_valid.sum())


PCKH = RatioMetric(
    Column(
        key="pckh",
        name="PCKh",
        spec=".4f",
        better="higher",
        about="where `data/results/<method>/keypoints.csv` gives the generated images' keypoints: share of "
        "the target's joints found within half a head",
        is_main=True,
    ),
    *COUNTS,
)
