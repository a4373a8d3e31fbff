"""Joint sets of other keypoint detectors, brought to the 18 joints of `dnaf.data.keypoints.keypoints`."""

from dnaf.data.keypoints.keypoints import NECK, NUM_JOINTS, Points

_LEFT_SHOULDER, _RIGHT_SHOULDER = 5, 6  # of COCO-17
# Of each of the 18 joints its place in the other set; COCO-17 has no neck.
_FROM_COCO_17 = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
# BODY_25 has the middle of the hips at 8, and feet after the ears.
_FROM_BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)

SIZES = (17, 18, 25)


def to_openpose_18(points: Points) -> Points:
    """The 18 OpenPose joints of another set.

    The neck of COCO-17 is the middle of the shoulders, and missing if one of them is.

    Args:
        points: float (17, 2) COCO, (18, 2) OpenPose, or (25, 2) BODY_25; missing joints are NaN.

    Returns:
        Float (18, 2); missing joints are NaN.

    Raises:
        ValueError: another number of joints.
    """
    if len(points) == NUM_JOINTS:
        return points.copy()
    if len(points) == 25:
        return points[list(_FROM_BODY_25)]
    if len(points) == 17:
        converted = points[list(_FROM_COCO_17)]
        converted[NECK] = (points[_LEFT_SHOULDER] + points[_RIGHT_SHOULDER]) / 2
        return converted
    raise ValueError(f"{len(points)} joints")
