"""Stage `latents`: encodes every training image, and its mirror image, once instead of once an epoch."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

from dnaf.core import files, locks
from dnaf.core.errors import StateError
from dnaf.core.progress import note, track
from dnaf.core.workers import thread_map
from dnaf.data import latent_store
from dnaf.data.loader import to_image_tensor
from dnaf.data.store import ImageStore, write_store
from dnaf.model.autoencoder import Autoencoder, LosslessAutoencoder
from dnaf.model.pretrained.base_model import require_trained_size
from dnaf.model.pretrained.provenance import Provenance

_VERSION = 1  # of everything below that changes a latent; in the resume key
_CHUNK = 32  # images of a file of resume state
_BATCH = 8  # images that are encoded at once


def origin(autoencoder: Autoencoder, base: Provenance | None, pairs: Path, images: Path) -> dict[str, str]:
    """What latents are made from, as digests: `autoencoder` (of the base if there is one), `pairs`, `images`.

    Args:
        pairs: the training pairs.
        images: the store of prepared images.
    """
    if base is not None:
        identity = {
            name: sha for name, sha in base.sha256.items() if name.startswith(("vae/", "autoencoder/"))
        }
    else:
        identity = {"kind": type(autoencoder).__name__, "downscale": str(autoencoder.downscale)}
    return {
        "autoencoder": files.fingerprint(identity),
        "pairs": files.digest(pairs),
        "images": ImageStore(images).fingerprint(),
    }


def write_latents(
    pairs: Path,
    images: Path,
    output: Path,
    autoencoder: Autoencoder,
    base: Provenance | None,
    device: torch.device,
) -> int:
    """Writes the latents of all images of the training pairs, complete or not at all; see `data/latents.py`.

    A killed run goes on after the last chunk that it finished. For a lossless autoencoder nothing is encoded.

    Returns:
        Number of images that were encoded.

    Raises:
        ConfigError: the base was trained with images of another size.
        StateError: pairs or images are incomplete, or another process does the same.
        ResourceError: disk full.
    """
    stems = _stems(pairs)
    if base is not None:
        require_trained_size(Path(base.folder), ImageStore(images).image(f"{stems[0]}.png").shape[:2])
    made_from = origin(autoencoder, base, pairs, images)
    if isinstance(autoencoder, LosslessAutoencoder):
        with write_store(output, {**made_from, "cached": False}):
            return 0
    chunks = [stems[start : start + _CHUNK] for start in range(0, len(stems), _CHUNK)]
    folder = files.scratch_folder("latents", files.fingerprint({**made_from, "version": _VERSION}))
    with locks.sole_writer(folder):
        with write_store(output, {**made_from, "cached": True}) as store:
            for chunk in _all_chunks(chunks, ImageStore(images), autoencoder.to(device), device, folder):
                for name in chunk.names:
                    store.add(name, chunk.read(name))
        files.remove_folder(folder)
    return len(stems)


def _stems(pairs: Path) -> list[str]:
    try:
        table = pd.read_csv(pairs, dtype=str)[["source", "target"]]
    except (OSError, ValueError, KeyError) as error:
        raise StateError(f"{pairs}: not a pair list ({error}). Run the split again.") from error
    return sorted(pd.unique(table.to_numpy().ravel()))


def _all_chunks(
    chunks: list[list[str]], images: ImageStore, autoencoder: Autoencoder, device: torch.device, folder: Path
) -> Iterator[ImageStore]:
    """Stores of all chunks; one that an interrupted run finished is read instead of encoded."""
    paths = [folder / f"chunk-{index:06d}.zip" for index in range(len(chunks))]
    intact = [_is_intact(path) for path in paths]
    if any(intact):
        note(f"Resuming: {sum(intact)} of {len(chunks)} chunks are done")
    missing = [stem for chunk, done in zip(chunks, intact, strict=True) if not done for stem in chunk]
    loaded = thread_map(lambda stem: to_image_tensor(images.image(f"{stem}.png")), missing)
    for chunk, path, done in track(
        zip(chunks, paths, intact, strict=True), f"Encoding images, chunks of {_CHUNK}", len(chunks)
    ):
        if not done:
            originals = torch.stack([next(loaded) for _ in chunk])
            with write_store(path, {}) as store:
                for mirror in (False, True):
                    seen = originals.flip(-1) if mirror else originals
                    for stem, latent in zip(chunk, _encode(seen, autoencoder, device), strict=True):
                        store.add(latent_store.member(stem, mirror), latent_store.to_bytes(latent))
        yield ImageStore(path)


@torch.no_grad()
def _encode(images: torch.Tensor, autoencoder: Autoencoder, device: torch.device) -> Iterator[torch.Tensor]:
    for batch in images.split(_BATCH):
        yield from autoencoder.encode(batch.to(device))


def _is_intact(chunk: Path) -> bool:
    """Whether an interrupted run finished this chunk, every byte as it was written."""
    if not chunk.exists():
        return False
    try:
        finished = ImageStore(chunk)
        for name in finished.names:
            finished.read(name)
    except StateError as error:
        note(f"warning: {error} This chunk is encoded again.")
        return False
    return True
