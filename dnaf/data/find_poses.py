"""Keypoints of a custom data set's photographs, where nobody has supplied any: found by a detector."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dnaf.core import files, images, locks
from dnaf.core.errors import DataError, StateError
from dnaf.core.progress import note
from dnaf.core.workers import chunked
from dnaf.data.chunks import FinishedChunks
from dnaf.data.detectors.detector import Detector, NobodyFoundError
from dnaf.data.detectors.people import find_people
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints.keypoint_files import KEYPOINT_FILES
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points, write_keypoints
from dnaf.data.keypoints.people import largest
from dnaf.data.store import ImageStore

_VERSION = 2  # of what is kept of a chunk; in the resume key
_CHUNK = 64  # photographs that a killed run loses at most
_KEYPOINTS, _NUM_PEOPLE = "keypoints", "num_people"
_MOST_NAMED = 3  # images of a kind that are told by name


def find_poses(store_path: Path, raw: Path, detector: Detector, provenance: str) -> tuple[int, int]:
    """Writes `keypoints.csv` into a data set's folder; goes on where a killed run stopped.

    An image in which nobody is found has a line without coordinates, and stage split leaves it out. Of
    several people the largest counts.

    Args:
        store_path: the photographs, as stage unpack keeps them.
        raw: the data set's folder.
        provenance: what the detector is.

    Returns:
        Numbers of photographs, and of those with a person.

    Raises:
        DataError: there are keypoints already, or nobody is in any photograph.
        StateError: the store is incomplete or of another data set, or another run does the same.
        ResourceError: the disk is full.
    """
    for name in KEYPOINT_FILES:
        if (raw / name).exists():
            raise DataError(f"{raw / name}: is there already. Remove it to have poses found by a detector.")
    store = ImageStore(store_path)
    if store.info.get("source") != raw.name:
        raise StateError(
            f"{store_path}: images of another data set (found {store.info.get('source')}, expected "
            f"{raw.name}). Run unpack of {raw.name}."
        )
    names = list(store.names)
    chunks = chunked(names, _CHUNK)
    made_from = [_VERSION, store.fingerprint(), provenance]
    folder = files.scratch_folder("find_poses", files.fingerprint(made_from))
    with locks.sole_writer(folder):
        shown = f"Finding poses in {len(names):,} photographs"
        found = FinishedChunks(folder).make_arrays(chunks, partial(_of_chunk, store, detector), shown)
        keypoints, num_people = found[_KEYPOINTS], found[_NUM_PEOPLE]
        has_person = num_people > 0
        for name in np.array(names)[~has_person][:_MOST_NAMED]:
            note(f"{name}: nobody found, so it is left out")
        if (crowded := num_people > 1).any():
            named = ", ".join(np.array(names)[crowded][:_MOST_NAMED])
            named += ", …" if crowded.sum() > _MOST_NAMED else ""
            note(f"{crowded.sum():,} photographs show several people, of whom the largest counts: {named}")
        if not has_person.any():
            raise DataError(f"{raw}: no person in any photograph (looked at {len(names):,} by {provenance}).")
        write_keypoints(raw / "keypoints.csv", [Stem(name) for name in names], keypoints)
        files.remove_folder(folder)
    return len(names), int(has_person.sum())


def _of_chunk(store: ImageStore, detector: Detector, names: Sequence[str]) -> dict[str, Points]:
    """Float (N, 18, 2), all of it NaN where nobody was found, and the number of people (N,) in each."""
    keypoints, num_people = np.full((len(names), NUM_JOINTS, 2), np.nan), np.zeros(len(names), int)
    for index, name in enumerate(names):
        photograph = images.decode(store.read(name), f"{store.path}: {name}")
        try:
            people = find_people(detector, photograph, name)
        except NobodyFoundError:
            continue
        keypoints[index], num_people[index] = largest(people), len(people)
    return {_KEYPOINTS: keypoints, _NUM_PEOPLE: num_people}
