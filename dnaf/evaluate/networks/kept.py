"""Features of generated images, kept by the images' own digests: networks take most of an evaluation's time.

So a killed evaluation goes on where it was, and of protocols that show a method's images alike only the first
one looks at them.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnaf.core import files
from dnaf.data.chunks import FinishedChunks, from_bytes, to_bytes
from dnaf.evaluate.networks.features import FeatureNetwork
from dnaf.evaluate.protocols.protocol import Protocol

_FEATURES = "features.npy"


def code_digests() -> list[str]:
    """Digests of the code of evaluation, on which features depend beside images and weights."""
    return [files.digest(path) for path in sorted(Path(__file__).parents[1].rglob("*.py"))]


class KeptFeatures:
    """A network that looks at a batch of images once, as long as the scratch folder stays."""

    def __init__(self, name: str, network: FeatureNetwork, protocol: Protocol) -> None:
        self.is_random, self.provenance = network.is_random, network.provenance
        self._network = network
        self._made_by = [name, protocol.fid_network, network.provenance, code_digests()]

    def features(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Features (B, D) of RGB images (B, H, W, 3).

        Raises:
            ResourceError: disk full.
        """
        pixels = hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
        key = files.fingerprint([*self._made_by, images.dtype.str, images.shape, pixels])
        batch = FinishedChunks(files.scratch_folder("features", key))
        kept = batch.load(0)
        if kept is not None:
            return from_bytes(kept[_FEATURES])
        found = self._network.features(images)
        if np.isfinite(found).all():  # else the next run has to look again
            batch.save(0, {_FEATURES: to_bytes(found)})
        return found
