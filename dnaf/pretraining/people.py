"""Drawn people of another seed than the demo's: every image a function of (seed, outfit, view).

pictures.npy   uint8 (outfits, 6, H, W, 3)
keypoints.npy  float32 (outfits, 6, 18, 2), x then y in pixels of that size; NaN: hidden
"""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnaf.core import files, images
from dnaf.core.progress import track
from dnaf.core.workers import worker_pool
from dnaf.data.demo.figure import JOINTS, SIZE, VIEWS, draw_figure
from dnaf.pretraining.params import People

NUM_VIEWS = len(VIEWS)
_IMAGES, _KEYPOINTS = "pictures.npy", "keypoints.npy"


def draw_people(folder: Path, people: People, seed: int) -> None:
    """Draws all outfits, those for validation last; the same arguments give the same bytes.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    num_outfits = people.num_outfits + people.num_validation_outfits
    shape = (num_outfits, NUM_VIEWS, *people.size, 3)
    files.require_space(folder, int(np.prod(shape, dtype=np.int64)))
    with files.atomic_folder(folder) as temporary:
        people_images = np.lib.format.open_memmap(temporary / _IMAGES, "w+", np.uint8, shape)
        keypoints = np.empty((num_outfits, NUM_VIEWS, len(JOINTS), 2), np.float32)
        with worker_pool() as workers:
            draw = partial(_draw_outfit, seed, people.size)
            drawn = workers.map(draw, range(num_outfits), chunksize=8)
            for index, outfit in enumerate(track(drawn, "Drawing people (outfits)", num_outfits)):
                people_images[index], keypoints[index] = outfit
        people_images.flush()
        np.save(temporary / _KEYPOINTS, keypoints)
        files.write_manifest(temporary, {"seed": seed, **people.model_dump()})


class PeopleImages:
    """Reads what `draw_people` wrote.

    Attributes:
        images: uint8 (outfits, 6, H, W, 3), mapped from the file.
        keypoints: float32 (outfits, 6, 18, 2).
        num_training: outfits that are trained on; the others are for validation.
        digest: of the manifest, and so of everything.

    Raises:
        StateError: incomplete or damaged.
    """

    def __init__(self, folder: Path) -> None:
        info = files.require_complete(folder)
        self.images: NDArray[np.uint8] = np.load(folder / _IMAGES, mmap_mode="r")
        self.keypoints: NDArray[np.float32] = np.load(folder / _KEYPOINTS)
        self.num_training = int(info["num_outfits"])
        self.digest = files.digest(folder / files.MANIFEST)

    def validation_outfits(self) -> range:
        return range(self.num_training, len(self.images))


def _draw_outfit(seed: int, size: images.Size, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    scale = np.array([size[1] / SIZE[1], size[0] / SIZE[0]], np.float32)
    drawn = [draw_figure(seed, index, view) for view in VIEWS]
    people_images = np.stack([images.resize(drawn_image, size) for drawn_image, _ in drawn])
    return people_images, np.stack([keypoints * scale for _, keypoints in drawn]).astype(np.float32)
