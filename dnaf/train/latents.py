"""Stage `latents`: encodes every training image, and its mirror image, once instead of once an epoch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from dnaf.core import files
from dnaf.core.shards import Shards
from dnaf.core.workers import chunked
from dnaf.data import latent_store
from dnaf.data.chunks import FinishedChunks
from dnaf.data.pairs.tables import PAIR_COLUMNS, read_table
from dnaf.data.store import ImageStore, write_store
from dnaf.data.tensors import to_batch
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
    shards: Shards,
) -> int:
    """Writes the latents of all images of the training pairs, complete or not at all; see `data/latents.py`.

    Processes share the work by a scratch folder that all of them see; the first one writes the store. A
    killed run goes on after the chunks that are finished. For a lossless autoencoder nothing is encoded.

    Returns:
        Number of images that were encoded, in every process.

    Raises:
        ConfigError: the base was trained with images of another size.
        StateError: pairs or images are incomplete, or another run does the same.
        ResourceError: disk full.
    """
    stems = _stems(pairs)
    if base is not None:
        require_trained_size(Path(base.folder), ImageStore(images).image(f"{stems[0]}.png").shape[:2])
    made_from = origin(autoencoder, base, pairs, images)
    if isinstance(autoencoder, LosslessAutoencoder):
        if shards.index == 0:
            with write_store(output, {**made_from, "cached": False}):
                pass
        return 0
    chunks = chunked(stems, _CHUNK)
    folder = files.scratch_folder("latents", files.fingerprint({**made_from, "version": _VERSION}))
    store_of_images = ImageStore(images)
    autoencoder = autoencoder.to(shards.device)

    def load(chunk: Sequence[str]) -> torch.Tensor:
        """(N, 3, H, W)."""
        return to_batch(store_of_images.image(f"{stem}.png") for stem in chunk)

    def encode(chunk: Sequence[str], originals: torch.Tensor) -> dict[str, bytes]:
        contents = {}
        for mirror in (False, True):
            latents = _encode(originals.flip(-1) if mirror else originals, autoencoder, shards.device)
            for stem, latent in zip(chunk, latents, strict=True):
                contents[latent_store.member(stem, mirror)] = latent_store.to_bytes(latent)
        return contents

    with shards.locked(folder):
        finished = FinishedChunks(folder)
        finished.make(chunks, load, encode, shards, f"Encoding {len(stems):,} images")
        if shards.index > 0:
            return len(stems)
        with write_store(output, {**made_from, "cached": True}, 2 * len(stems)) as store:
            for name, latent in finished.members(len(chunks)):
                store.add(name, latent)
        files.remove_folder(folder)
    return len(stems)


def _stems(pairs: Path) -> list[str]:
    return sorted({stem for row in read_table(pairs, PAIR_COLUMNS) for stem in row[:2]})


@torch.no_grad()
def _encode(images: torch.Tensor, autoencoder: Autoencoder, device: torch.device) -> Iterator[torch.Tensor]:
    for batch in images.split(_BATCH):
        yield from autoencoder.encode(batch.to(device))
