"""Identity and pose: what detectors find in the generated images, and what the torso looks like.

`stages.detect` counts it, pair by pair. Detectors err: the row of `ground_truth`, at which the same detectors
looked, says how much.
"""

from dnaf.evaluate.metrics.metric import Column, RatioMetric

DETECTED_PCKH = RatioMetric(
    Column(
        key="pckh_detected",
        name="PCKh by detection",
        spec=".4f",
        better="higher",
        about="of `stages.detect`: share of the target's joints that the detector finds within half a head",
        note="**PCKh by detection**, **joint error** and **faces** have the detectors' own errors in them: "
        "see the row of `ground_truth`.",
    ),
    "joints_correct",
    "joints_valid",
)
JOINT_ERROR = RatioMetric(
    Column(
        key="joint_error",
        name="Joint error",
        spec=".2f",
        better="lower",
        unit="% of the height",
        about="of `stages.detect`: mean distance of a found joint from the target's; a joint that is not "
        "found counts in PCKh alone",
    ),
    "joint_error_sum",
    "joints_found",
)
FACE_TARGET = RatioMetric(
    Column(
        key="face_target",
        name="Face, as the target's",
        spec=".4f",
        better="higher",
        about="of `stages.detect`: cosine of SFace's vectors of the generated and the target's face, where "
        "the target has one; 0 where the generated image has none",
    ),
    "face_target_sum",
    "face_target_valid",
)
FACE_SOURCE = RatioMetric(
    Column(
        key="face_source",
        name="Face, as the source's",
        spec=".4f",
        better="higher",
        about="the same, with the source's face, where source and target have one",
    ),
    "face_source_sum",
    "face_source_valid",
)
TORSO_COLOUR = RatioMetric(
    Column(
        key="torso_colour",
        name="Torso's colour",
        spec=".2f",
        better="lower",
        unit="ΔE",
        about="of `stages.detect`: CIE ΔE 2000 of the torso's mean colours from the target's, by thirds",
    ),
    "torso_colour_sum",
    "torso_valid",
)
TORSO_TEXTURE = RatioMetric(
    Column(
        key="torso_texture",
        name="Torso's texture",
        spec=".3f",
        better="lower",
        unit="L* a pixel",
        about="of `stages.detect`: difference of the torso's mean contrast from pixel to pixel, along rows "
        "and along columns, from the target's, by thirds: a blur of stripes differs, shifted stripes do not",
    ),
    "torso_texture_sum",
    "torso_valid",
)

DETECTED = (DETECTED_PCKH, JOINT_ERROR, FACE_TARGET, FACE_SOURCE, TORSO_COLOUR, TORSO_TEXTURE)
