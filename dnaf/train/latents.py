"""Stage `latents`: encodes every training image, and its mirror image, once instead of once an epoch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from dnaf.core import files, locks
from dnaf.core.progress import track
from dnaf.core.workers import chunked, thread_map
from dnaf.data import latent_store
from dnaf.data.chunks import FinishedChunks
from dnaf.data.loader import to_image_tensor
from dnaf.data.pairs.tables import PAIR_COLUMNS, read_table
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
    chunks = chunked(stems, _CHUNK)
    folder = files.scratch_folder("latents", files.fingerprint({**made_from, "version": _VERSION}))
    with locks.sole_writer(folder):
        with write_store(output, {**made_from, "cached": True}) as store:
            for chunk in _all_chunks(chunks, ImageStore(images), autoencoder.to(device), device, folder):
                for name, latent in chunk.items():
                    store.add(name, latent)
        files.remove_folder(folder)
    return len(stems)


def _stems(pairs: Path) -> list[str]:
    return sorted({stem for row in read_table(pairs, PAIR_COLUMNS) for stem in row[:2]})


def _all_chunks(
    chunks: Sequence[Sequence[str]],
    images: ImageStore,
    autoencoder: Autoencoder,
    device: torch.device,
    folder: Path,
) -> Iterator[dict[str, bytes]]:
    """Latents of all chunks by name; one that an interrupted run finished is read instead of encoded."""
    finished = FinishedChunks(folder)
    finished.note_resumption(len(chunks))
    intact = [finished.load(number) is not None for number in range(len(chunks))]
    missing = [stem for chunk, done in zip(chunks, intact, strict=True) if not done for stem in chunk]
    loaded = thread_map(lambda stem: to_image_tensor(images.image(f"{stem}.png")), missing)
    for number, chunk in enumerate(track(chunks, f"Encoding images, chunks of {_CHUNK}", len(chunks))):
        if not intact[number]:
            originals = torch.stack([next(loaded) for _ in chunk])
            contents = {
                latent_store.member(stem, mirror): latent_store.to_bytes(latent)
                for mirror in (False, True)
                for stem, latent in zip(
                    chunk,
                    _encode(originals.flip(-1) if mirror else originals, autoencoder, device),
                    strict=True,
                )
            }
            finished.save(number, contents)
        yield finished.read(number)


@torch.no_grad()
def _encode(images: torch.Tensor, autoencoder: Autoencoder, device: torch.device) -> Iterator[torch.Tensor]:
    for batch in images.split(_BATCH):
        yield from autoencoder.encode(batch.to(device))
