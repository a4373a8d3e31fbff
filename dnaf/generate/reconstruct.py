"""The targets of all test pairs after an autoencoder: what the best of models on it could give."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch

from dnaf.core import files
from dnaf.core.errors import NumericalError
from dnaf.core.images import Pixels
from dnaf.core.progress import track
from dnaf.core.workers import chunked
from dnaf.data.formats.names import Stem
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.pairs.tables import PAIR_COLUMNS, read_table
from dnaf.data.store import ImageStore, write_store
from dnaf.data.tensors import from_batch, to_batch
from dnaf.model.autoencoder import Autoencoder
from dnaf.model.pretrained.base_model import require_trained_size
from dnaf.model.pretrained.provenance import Provenance

_BATCH = 8  # images that are decoded at once


def reconstruct_targets(
    pairs: Path,
    images: Path,
    output: Path,
    autoencoder: Autoencoder,
    base: Provenance | None,
    device: torch.device,
) -> int:
    """Writes the image store `output` with `<pair_id>.png` for every pair: its target, encoded and decoded.

    Args:
        pairs: the test pairs.
        images: the store of prepared images.
        base: where the autoencoder came from; None for the lossless one.

    Returns:
        Number of images that were encoded and decoded.

    Raises:
        ConfigError: the base was trained with images of another size.
        StateError: pairs or images are incomplete.
        NumericalError: an image is not finite.
        ResourceError: disk full.
    """
    pairs_of: dict[str, list[str]] = defaultdict(list)
    for source, target, _ in read_table(pairs, PAIR_COLUMNS):
        pairs_of[target].append(pair_id(Stem(source), Stem(target)))
    originals, targets = ImageStore(images), sorted(pairs_of)
    if base is not None:
        require_trained_size(Path(base.folder), originals.image(f"{targets[0]}.png").shape[:2])
    info = {
        "pairs_sha256": files.digest(pairs),
        "autoencoder": dict(base.sha256) if base else type(autoencoder).__name__,
    }
    autoencoder.to(device)
    chunks = chunked(targets, _BATCH)
    with write_store(output, info) as store:
        for chunk in track(chunks, f"Reconstructing targets, chunks of {_BATCH}", len(chunks)):
            for target, pixels in zip(
                chunk, _reconstruct(chunk, originals, autoencoder, device), strict=True
            ):
                for name in pairs_of[target]:
                    store.add_image(f"{name}.png", pixels)
    return len(targets)


@torch.no_grad()
def _reconstruct(
    stems: Sequence[str], images: ImageStore, autoencoder: Autoencoder, device: torch.device
) -> list[Pixels]:
    batch = to_batch(images.image(f"{stem}.png") for stem in stems)
    decoded = autoencoder.decode(autoencoder.encode(batch.to(device)))
    if not decoded.isfinite().all():
        raise NumericalError(
            f"reconstruct: {stems[0]} or one of the {len(stems) - 1} after it: not finite. "
            "Check the base model's autoencoder."
        )
    return from_batch(decoded)
