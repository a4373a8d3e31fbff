"""Skeletons drawn over the images they belong to: shows at a glance whether keypoints fit."""

from pathlib import Path

import numpy as np

from dnaf.core import files, images
from dnaf.core.errors import StateError
from dnaf.core.workers import chunked
from dnaf.data.keypoints.keypoints import read_keypoints
from dnaf.data.pose_maps.openpose import keypoints_to_pose_map
from dnaf.data.store import ImageStore

_HEIGHT = 256  # pixels of an image in the sheet
_NUM_COLUMNS = 6


def preview(pairs: Path, prepared: Path, num_images: int) -> images.Pixels:
    """A sheet, uint8 RGB (H, W, 3), of images spread evenly over the data set, with their skeletons.

    Args:
        pairs: folder written by stage split.
        prepared: store written by stage unpack.

    Raises:
        StateError: one of them is incomplete.
    """
    height, width = files.require_complete(pairs)["frame"]
    stems, points = read_keypoints(pairs / "keypoints.csv")
    if not stems:
        raise StateError(f"{pairs / 'keypoints.csv'}: no images. Run stage split again.")
    store = ImageStore(prepared)
    size = _HEIGHT, round(_HEIGHT * width / height)
    cells = []
    for index in images.evenly_spaced(len(stems), num_images):
        image = images.resize(store.image(f"{stems[index]}.png"), size)
        skeleton = keypoints_to_pose_map(points[index], size, (height, width))
        cells.append(np.where(skeleton.any(axis=2, keepdims=True), skeleton, image // 2 + 64))
    blank = np.full((*size, 3), 255, np.uint8)
    cells += [blank] * (-len(cells) % _NUM_COLUMNS)
    return images.sheet(chunked(cells, _NUM_COLUMNS))
