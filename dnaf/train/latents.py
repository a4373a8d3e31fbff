"""Stage `latents`: encodes every training image, and its mirror image, once instead of once an epoch."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

from dnaf.core import files
from dnaf.core.errors import StateError
from dnaf.core.progress import note, track
from dnaf.core.workers import thread_map
from dnaf.data import latents
from dnaf.data.loader import to_image_tensor
from dnaf.data.store import ImageStore, write_store
from dnaf.model.autoencoder import Codec, LosslessCodec
from dnaf.model.pretrained.base_model import require_trained_size
from dnaf.model.pretrained.provenance import Provenance

_VERSION = 1  # of everything below that changes a latent; part of the resume key
_PART = 32  # images of a file of resume state
_BATCH = 8  # images that are encoded at once


def origin(codec: Codec, base: Provenance | None, pairs: Path, images: Path) -> dict[str, str]:
    """What latents are made from, as digests: `codec` (of the base model if there is one), `pairs`, `images`.

    Args:
        pairs: the training pairs.
        images: the store of prepared images.
    """
    if base is not None:
        identity = {name: sha for name, sha in base.sha256.items() if name.startswith(("vae/", "codec/"))}
    else:
        identity = {"kind": type(codec).__name__, "downscale": str(codec.downscale)}
    return {
        "codec": files.fingerprint(identity),
        "pairs": files.digest(pairs),
        "images": ImageStore(images).fingerprint(),
    }


def write_latents(
    pairs: Path, images: Path, output: Path, codec: Codec, base: Provenance | None, device: torch.device
) -> int:
    """Writes the latents of all images of the training pairs, complete or not at all; see `data/latents.py`.

    A killed run goes on behind the last part that it finished. For a lossless codec nothing is encoded.

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
    made_from = origin(codec, base, pairs, images)
    if isinstance(codec, LosslessCodec):
        with write_store(output, {**made_from, "cached": False}):
            return 0
    parts = [stems[start : start + _PART] for start in range(0, len(stems), _PART)]
    folder = files.scratch_folder("latents", files.fingerprint({**made_from, "version": _VERSION}))
    with files.run_lock(folder):
        files.remove_leftovers(output.parent)
        with write_store(output, {**made_from, "cached": True}) as store:
            for part in _all_parts(parts, ImageStore(images), codec.to(device), device, folder):
                for name in part.names:
                    store.add(name, part.read(name))
    files.remove_folder(folder)
    return len(stems)


def _stems(pairs: Path) -> list[str]:
    try:
        table = pd.read_csv(pairs, dtype=str)[["source", "target"]]
    except (OSError, ValueError, KeyError) as error:
        raise StateError(f"{pairs}: not a pair list ({error}). Run the split again.") from error
    return sorted(pd.unique(table.to_numpy().ravel()))


def _all_parts(
    parts: list[list[str]], images: ImageStore, codec: Codec, device: torch.device, folder: Path
) -> Iterator[ImageStore]:
    """Stores of all parts; one that an interrupted run finished is read instead of encoded."""
    paths = [folder / f"part-{index:06d}.zip" for index in range(len(parts))]
    intact = [_is_intact(path) for path in paths]
    if any(intact):
        note(f"Resuming: {sum(intact)} of {len(parts)} parts are done")
    missing = [stem for part, done in zip(parts, intact, strict=True) if not done for stem in part]
    loaded = thread_map(lambda stem: to_image_tensor(images.image(f"{stem}.png")), missing)
    for part, path, done in track(
        zip(parts, paths, intact, strict=True), f"Encoding images, parts of {_PART}", len(parts)
    ):
        if not done:
            pictures = torch.stack([next(loaded) for _ in part])
            with write_store(path, {}) as store:
                for mirror in (False, True):
                    seen = pictures.flip(-1) if mirror else pictures
                    for stem, latent in zip(part, _encode(seen, codec, device), strict=True):
                        store.add(latents.member(stem, mirror), latents.to_bytes(latent))
        yield ImageStore(path)


@torch.no_grad()
def _encode(images: torch.Tensor, codec: Codec, device: torch.device) -> Iterator[torch.Tensor]:
    for batch in images.split(_BATCH):
        yield from codec.encode(batch.to(device))


def _is_intact(part: Path) -> bool:
    """Whether an interrupted run finished this part, every byte as it was written."""
    if not part.exists():
        return False
    try:
        finished = ImageStore(part)
        for name in finished.names:
            finished.read(name)
    except StateError as error:
        note(f"warning: {error} This part is encoded again.")
        return False
    return True
