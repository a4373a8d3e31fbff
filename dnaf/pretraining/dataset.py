"""The drawn people as a data set that DNAF's own training reads: prepared images, pairs, pose maps.

images.zip   pairs/{train.csv,keypoints.csv,manifest.json}   pose_maps.zip
"""

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnaf.core import files, images
from dnaf.core.progress import track
from dnaf.core.seals import write_sealed
from dnaf.core.shards import alone
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints.keypoints import write_keypoints
from dnaf.data.loader import Sources
from dnaf.data.pose_maps.write import write_pose_maps
from dnaf.data.store import write_store
from dnaf.model.patch_autoencoder import PATCH
from dnaf.model.pretrained.base_model import load_autoencoder
from dnaf.pretraining.people import PeopleImages
from dnaf.pretraining.sheets import torso_centres
from dnaf.train.latents import write_latents

TRAINING, VALIDATION, LATENTS = "training", "validation", "latents.zip"

_RENDERER = "openpose"
_CANVAS = 2  # pixels of the canvas for each of the image's: the demo's canvas is twice as high as its images


def write_dataset(people: Path, base: Path, folder: Path, side: int | None) -> None:
    """Writes training and validation outfits, each view paired with every other of its outfit.

    Args:
        people: what `draw_people` wrote.
        base: whose autoencoder makes the latents.
        side: of a square around the torso that is cut out, in cells of 4 pixels; None: whole images.

    Raises:
        StateError, BaseModelError: people or base are incomplete.
        ResourceError: the disk is full or not writable.
    """
    drawn = PeopleImages(people)
    size = drawn.images.shape[2:4] if side is None else (side * PATCH, side * PATCH)
    canvas = (_CANVAS * size[0], _CANVAS * size[1])
    autoencoder, provenance = load_autoencoder(base)
    outfits = {TRAINING: range(drawn.num_training), VALIDATION: drawn.validation_outfits()}
    with files.atomic_folder(folder) as temporary:
        for name, chosen in outfits.items():
            sources = sources_of(temporary / name)
            _write_images(drawn, chosen, sources, side, size)
            write_pose_maps(sources.pairs.parent, sources.pose_maps, _RENDERER, canvas, size, alone())
        latents = temporary / TRAINING / LATENTS
        sources = sources_of(temporary / TRAINING)
        write_latents(sources.pairs, sources.images, latents, autoencoder, provenance, alone())


def sources_of(folder: Path) -> Sources:
    """Where pairs, images and pose maps are, in `TRAINING` or `VALIDATION` of a data set."""
    return Sources(folder / "pairs" / "train.csv", folder / "images.zip", folder / "pose_maps.zip")


def _write_images(
    drawn: PeopleImages, outfits: range, sources: Sources, side: int | None, size: images.Size
) -> None:
    corners = _corners(drawn, side)
    stems, points, rows = [], [], []
    with write_store(sources.images, {"people": drawn.digest, "crop": side}) as store:
        for outfit in track(outfits, "Writing people (outfits)", len(outfits)):
            views = [view for view in range(corners.shape[1]) if corners[outfit, view, 0] >= 0]
            for view in views:
                left, top = corners[outfit, view]
                image = drawn.images[outfit, view, top : top + size[0], left : left + size[1]]
                store.add_image(f"{_stem(outfit, view)}.png", np.ascontiguousarray(image))
                stems.append(_stem(outfit, view))
                points.append(drawn.keypoints[outfit, view] - corners[outfit, view])
            for source, target in permutations(views, 2):
                rows.append([_stem(outfit, source), _stem(outfit, target), f"{outfit:06d}"])
    with files.atomic_folder(sources.pairs.parent) as temporary:
        table = pd.DataFrame(rows, columns=["source", "target", "outfit"])
        write_sealed(temporary / "train.csv", table.to_csv(index=False, lineterminator="\n"))
        write_keypoints(temporary / "keypoints.csv", stems, np.stack(points).astype(np.float64))
        files.write_manifest(temporary, {"frame": list(size), "people": drawn.digest})


def _corners(drawn: PeopleImages, side: int | None) -> NDArray[np.int64]:
    """Left and top (outfits,6,2) of what is cut out, in pixels; -1: the view shows no torso."""
    shape = drawn.images.shape
    if side is None:
        return np.zeros((*shape[:2], 2), int)
    cells = np.array([shape[3], shape[2]]) // PATCH
    centres = torso_centres(drawn.keypoints / np.float32(PATCH))
    seen = ~np.isnan(centres[..., :1])
    corners = np.clip(np.rint(np.nan_to_num(centres) - side / 2), 0, cells - side).astype(int)
    return np.where(seen, PATCH * corners, -1)


def _stem(outfit: int, view: int) -> Stem:
    return Stem(f"{outfit:06d}_{view}")
