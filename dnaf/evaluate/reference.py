"""The reference set of FID under a protocol: features and statistics, computed once for all methods.

The field's real images are all of the training list (48,674 of DeepFashion), those of no pair too; with the
37,016 images that are in pairs FID comes out wrong (PIDM issue 37). Some scripts take the test pairs' ground
truths instead, which a protocol says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnaf.core import config, files, seeds
from dnaf.core.errors import StateError
from dnaf.core.shards import Shards
from dnaf.core.workers import chunked
from dnaf.data.chunks import FinishedChunks, from_bytes, to_bytes
from dnaf.data.formats.names import Stem
from dnaf.evaluate.metrics.frechet import RealStatistics, real_statistics
from dnaf.evaluate.metrics.kid import real_term
from dnaf.evaluate.networks.features import FeatureNetwork
from dnaf.evaluate.networks.kept import code_digests
from dnaf.evaluate.protocols.protocol import Protocol, View
from dnaf.evaluate.real_images import RealImages

_SAMPLE_SEED = 0  # not the root seed: runs with different root seeds stay comparable


@dataclass(frozen=True)
class ReferenceSet:
    """Features of real images by one network.

    Attributes:
        features: float32 (N, D), mapped from disk.
        statistics: their mean and covariance.
        kernel_mean: what KID needs of them alone.
        provenance: of the network's weights.
    """

    features: NDArray[np.float32]
    statistics: RealStatistics
    kernel_mean: float
    provenance: str


def real_stems(protocol: Protocol, train_images: Sequence[Stem], targets: Sequence[Stem]) -> list[Stem]:
    """The images that a protocol's FID compares with: those of training, or the test pairs' targets, once."""
    return list(train_images) if protocol.fid_real == "training images" else list(dict.fromkeys(targets))


def write_reference(
    folder: Path,
    protocol: Protocol,
    real: RealImages,
    stems: Sequence[Stem],
    networks: dict[str, FeatureNetwork],
    params: config.Reference,
    shards: Shards,
) -> int:
    """Writes `<network>.npy` and `<network>.npz` for each network, and a manifest that says of which images.

    Processes share the work by a scratch folder that all of them see; the first one writes the folder. A
    killed run goes on after the batches that are finished. They are kept, so that of protocols whose networks
    see these images alike only the first one looks at them.

    Args:
        stems: of `real_stems`.
        networks: by name; none for a protocol without FID.

    Returns:
        Number of images, in every process; 0 for a protocol without FID.

    Raises:
        DataError: too few images.
        StateError: an image is missing or damaged, or another run does the same.
        ResourceError: disk full.
    """
    chosen = sample(stems, params.max_images)
    info: dict[str, Any] = {"protocol": protocol.name, "count": 0, "of": len(stems), "networks": {}}
    if not networks or protocol.networks is None:
        if shards.index == 0:
            with files.atomic_folder(folder) as temporary:
                files.write_manifest(temporary, info)
        return 0
    count = num_kept(len(chosen), protocol.fid_batch)
    info |= {"count": count, "sha256": real.fingerprint(chosen[:count])}
    info["networks"] = {name: network.provenance for name, network in networks.items()}
    chunks = chunked(chosen, params.batch_size)
    made_by = {"batch_size": params.batch_size, **info["networks"]}
    key = _key(protocol, protocol.networks, real, chosen, made_by)
    scratch = files.scratch_folder("reference", key)

    def features_of(chunk: Sequence[Stem], images: NDArray[Any]) -> dict[str, bytes]:
        return {name: to_bytes(network.features(images)) for name, network in networks.items()}

    with shards.locked(scratch):
        finished = FinishedChunks(scratch)
        shown = f"Looking at {len(chosen):,} real images by {', '.join(networks)}"
        finished.make(chunks, partial(_load, real, protocol), features_of, shards, shown)
        if shards.index == 0:
            with files.atomic_folder(folder) as temporary:
                for name in networks:
                    _write_features(temporary, name, count, finished)
                files.write_manifest(temporary, info)
    return count


def _key(
    protocol: Protocol, view: View, real: RealImages, stems: Sequence[Stem], made_by: Mapping[str, Any]
) -> str:
    """Of all that features depend on: images, how they are shown, networks, and the code that looks."""
    steps = [(how, size or real.size) for how, size in view.real]
    shown = [real.fingerprint(stems), real.prepared.fingerprint(), steps, view.padded_to]
    return files.fingerprint([*shown, protocol.fid_network, dict(made_by), code_digests()])


def _write_features(folder: Path, name: str, count: int, finished: FinishedChunks) -> None:
    """Writes a network's first features, one chunk after the other, and what follows of them."""
    first, number = 0, 0
    while first < count:
        found = from_bytes(finished.read(number)[name])[: count - first]
        if first == 0:
            shape = (count, found.shape[1])
            rows = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", found.dtype, shape)
        rows[first : first + len(found)] = found
        first, number = first + len(found), number + 1
    rows.flush()
    statistics = real_statistics(rows)
    np.savez(
        folder / f"{name}.npz",
        mean=statistics.mean,
        factor=statistics.factor,
        count=statistics.count,
        kernel_mean=real_term(rows),
    )


def read_reference(folder: Path, protocol: Protocol) -> tuple[dict[str, ReferenceSet], dict[str, Any]]:
    """The reference sets by network, and what the manifest says.

    Raises:
        StateError: incomplete, damaged or of another protocol.
    """
    info = files.require_complete(folder)
    if info["protocol"] != protocol.name:
        raise StateError(
            f"{folder}: made for another protocol (found {info['protocol']}, expected {protocol.name}). Run "
            "reference again."
        )
    sets = {}
    for name, provenance in info["networks"].items():
        with np.load(folder / f"{name}.npz") as file:
            statistics = RealStatistics(file["mean"], file["factor"], int(file["count"]))
            kernel_mean = float(file["kernel_mean"])
        features = np.load(folder / f"{name}.npy", mmap_mode="r")
        sets[name] = ReferenceSet(features, statistics, kernel_mean, provenance)
    return sets, info


def sample(stems: Sequence[Stem], max_images: int | None) -> list[Stem]:
    """At most so many stems, sorted; the same ones each time."""
    if max_images is None or max_images >= len(stems):
        return sorted(stems)
    drawn = seeds.generator(_SAMPLE_SEED, "reference set").choice(len(stems), max_images, replace=False)
    return sorted(sorted(stems)[index] for index in drawn)


def num_kept(num_images: int, batch: int | None) -> int:
    """How many images are left by a script that drops the last batch if it is smaller than the others.

    Source: GFLA@3afa8fe:script/metrics.py:168-171 (a folder smaller than a batch is one batch).
    """
    return num_images if batch is None or num_images < batch else num_images - num_images % batch


def _load(real: RealImages, protocol: Protocol, stems: Sequence[Stem]) -> NDArray[Any]:
    assert protocol.networks is not None
    return np.stack([real.view(stem, protocol.networks) for stem in stems])
