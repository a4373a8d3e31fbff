"""How much faster pose maps are drawn than by controlnet_aux's own draw_bodypose, with identical pixels.

It needs controlnet_aux, which is no dependency of the project; put it beside, without what it drags in:

    uv pip install --target /tmp/controlnet_aux --no-deps controlnet-aux einops scikit-image
    PYTHONPATH=/tmp/controlnet_aux python -m benchmarks.pose_map

Rounds are interleaved and their order alternates; what is printed is the median of CPU milliseconds a map
and of the ratios within a round. controlnet_aux gets its normalised keypoint objects ready-made. Exit code 2:
controlnet_aux is absent; 1: a pixel differs.
"""

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from dnaf.core.images import Pixels
from dnaf.data.formats.deepfashion import FRAME
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.openpose import keypoints_to_pose_map

NUM_MAPS = 400
NUM_ROUNDS = 9
SIZES = ((256, 176), (512, 352), (512, 512))

# A standing figure in the 256x176 frame, x then y.
FIGURE = np.array(
    [
        *[(88, 40), (88, 70), (68, 72), (60, 110), (56, 145), (108, 72), (116, 110), (120, 145), (74, 140)],
        *[(73, 190), (72, 235), (102, 140), (103, 190), (104, 235), (84, 35), (92, 35), (78, 38), (98, 38)],
    ],
    dtype=np.float64,
)


def main() -> None:
    """Checks that all maps are equal, then prints a line of figures for each size."""
    warnings.simplefilter("ignore")  # of the packages that controlnet_aux imports
    try:
        from controlnet_aux.open_pose.body import Keypoint
        from controlnet_aux.open_pose.util import draw_bodypose
    except ImportError as error:
        print(f"controlnet_aux cannot be imported ({error}); see the docstring for how to run this.")
        sys.exit(2)
    cv2.setNumThreads(1)
    people = figures()
    for size in SIZES:
        theirs = [to_keypoint_objects(points, Keypoint) for points in people]

        def draw_theirs(index: int, size: tuple[int, int] = size, objects: Any = theirs) -> Pixels:
            drawn: Pixels = draw_bodypose(np.zeros((*size, 3), dtype=np.uint8), objects[index])
            return drawn

        def draw_ours(index: int, size: tuple[int, int] = size) -> Pixels:
            return keypoints_to_pose_map(people[index], size, FRAME)

        num_different = sum(not np.array_equal(draw_ours(i), draw_theirs(i)) for i in range(NUM_MAPS))
        if num_different:
            print(f"{size[0]}x{size[1]}: {num_different} of {NUM_MAPS} maps differ")
            sys.exit(1)
        print(
            f"{size[0]}x{size[1]}: {NUM_MAPS} of {NUM_MAPS} maps identical; {compare(draw_theirs, draw_ours)}"
        )


def figures() -> list[Points]:
    """Seeded variations of a figure, 15 % of the joints missing; half of them at whole pixels as in files."""
    random = np.random.default_rng(0)
    people = FIGURE + random.normal(0, 12, (NUM_MAPS, *FIGURE.shape))
    people[: NUM_MAPS // 2] = np.round(people[: NUM_MAPS // 2])
    people[random.random((NUM_MAPS, len(FIGURE))) < 0.15] = np.nan
    return list(people)


def to_keypoint_objects(points: Points, keypoint: Any) -> list[Any]:
    """The same joints as controlnet_aux wants them: x / width, y / height, None for missing."""
    return [None if np.isnan(x) else keypoint(x / FRAME[1], y / FRAME[0], 1.0, 1) for x, y in points.tolist()]


def compare(first: Callable[[int], Pixels], second: Callable[[int], Pixels]) -> str:
    """CPU milliseconds a map of both, and the ratio, as medians over the rounds."""
    rounds = []
    for number in range(NUM_ROUNDS):
        order = (first, second) if number % 2 == 0 else (second, first)
        seconds = {draw: cpu_seconds(draw) for draw in order}
        rounds.append((seconds[first], seconds[second]))
    milliseconds = [statistics.median(times) / NUM_MAPS * 1000 for times in zip(*rounds, strict=True)]
    ratio = statistics.median(theirs / ours for theirs, ours in rounds)
    return (
        f"controlnet_aux {milliseconds[0]:.3f} ms, dnaf {milliseconds[1]:.3f} ms CPU a map, "
        f"ratio {ratio:.2f} (median of {NUM_ROUNDS} rounds)"
    )


def cpu_seconds(draw: Callable[[int], Pixels]) -> float:
    """CPU time of drawing every figure once."""
    start = time.process_time()
    for index in range(NUM_MAPS):
        draw(index)
    return time.process_time() - start


if __name__ == "__main__":
    main()
