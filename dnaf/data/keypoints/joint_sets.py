"""Joint sets of other keypoint detectors, brought to the 18 joints of `dnaf.data.keypoints.keypoints`."""

from dnaf.data.keypoints.keypoints import NECK, NUM_JOINTS, Points

# Of each of the 18 joints its place in the other set; -1: it has no neck.
_FROM_COCO_17 = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
# BODY_25 has the middle of the hips at 8, and feet after the ears.
_FROM_BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
# BlazePose, which MediaPipe finds, has inner and outer corners of the eyes, mouth, fingers and feet besides.
_FROM_BLAZEPOSE_33 = (0, -1, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)
_WITHOUT_NECK = {17: _FROM_COCO_17, 33: _FROM_BLAZEPOSE_33}
_RIGHT_SHOULDER, _LEFT_SHOULDER = 2, 5  # of the 18

SIZES = (17, 18, 25)  # of the sets that files of keypoints have


def to_openpose_18(points: Points) -> Points:
    """The 18 OpenPose joints of another set.

    The neck that COCO-17 and BlazePose lack is the middle of the shoulders, and missing if one of them is.

    Args:
        points: float (17, 2) COCO, (18, 2) OpenPose, (25, 2) BODY_25, or (33, 2) BlazePose; missing joints
            are NaN.

    Returns:
        Float (18, 2); missing joints are NaN.

    Raises:
        ValueError: another number of joints.
    """
    if len(points) == NUM_JOINTS:
        return points.copy()
    if len(points) == 25:
        return points[list(_FROM_BODY_25)]
    if len(points) in _WITHOUT_NECK:
        converted = points[list(_WITHOUT_NECK[len(points)])]
        converted[NECK] = (converted[_LEFT_SHOULDER] + converted[_RIGHT_SHOULDER]) / 2
        return converted
    raise ValueError(f"{len(points)} joints")
