"""The data set's images as a protocol shows them: ground truth, and the real images of FID."""

from collections.abc import Sequence
from functools import lru_cache

from dnaf.core import files, images
from dnaf.core.errors import StateError
from dnaf.core.images import Pixels, Size
from dnaf.data.formats.names import Name, Stem
from dnaf.data.formats.names import stem as stem_of
from dnaf.data.store import ImageStore
from dnaf.evaluate.protocols.protocol import View
from dnaf.evaluate.protocols.resample import Image
from dnaf.evaluate.protocols.view import view_real

_PREPARED = "pil-bicubic"  # what stage unpack resizes with


class RealImages:
    """Images by stem, from the originals; from the prepared ones where a view begins as these were made.

    Args:
        originals: the store of stage unpack that keeps them byte for byte.
        prepared: the one of the data set's size, `<stem>.png`.
        size: (height, width) of the prepared images.
    """

    def __init__(self, originals: ImageStore, prepared: ImageStore, size: Size) -> None:
        self.originals, self.prepared, self.size = originals, prepared, size
        self._names = {stem_of(Name(name)): name for name in originals.names}
        self.view = lru_cache(maxsize=64)(self._view)  # pairs of one target follow each other

    def fingerprint(self, stems: Sequence[Stem]) -> str:
        """Digest of the stems and the contents of their originals."""
        return files.fingerprint([[stem, self.originals.digest(self._name(stem))] for stem in sorted(stems)])

    def _view(self, stem: Stem, view: View) -> Image:
        """Uint8, or float32 of levels, (H, W, 3); not to be written to.

        Raises:
            StateError: no such image, or it is damaged.
        """
        how, size = view.real[0]
        if how == _PREPARED and size in (None, self.size):
            return view_real(self.prepared.image(f"{stem}.png"), view, self.size)
        return view_real(self._original(stem), view, self.size)

    def _original(self, stem: Stem) -> Pixels:
        name = self._name(stem)
        return images.decode(self.originals.read(name), f"{self.originals.path}: {name}")

    def _name(self, stem: Stem) -> str:
        if stem not in self._names:
            raise StateError(f"{self.originals.path}: {stem} is missing. Run unpack and split again.")
        return self._names[stem]
