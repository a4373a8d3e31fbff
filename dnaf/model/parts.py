"""What a pipeline is made of, and where the frozen part of it came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diffusers import DDIMScheduler, UNet2DConditionModel

from dnaf import files
from dnaf.errors import BaseModelError
from dnaf.model.adapter import DNAFAdapter
from dnaf.model.codec import Codec
from dnaf.model.style_encoder import StyleEncoder


@dataclass(frozen=True)
class Provenance:
    """A folder, and the sha256 of each file that was read there.

    Attributes:
        folder: as params.yaml names it.
        sha256: by path relative to the folder.
    """

    folder: str
    sha256: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, paths: Iterable[Path]) -> "Provenance":
        """Reads the files and records their digests."""
        return cls(str(folder), {path.relative_to(folder).as_posix(): files.digest(path) for path in paths})

    @property
    def digest(self) -> str:
        """One sha256 of all files, wherever the folder stands."""
        return files.fingerprint(dict(sorted(self.sha256.items())))

    def require(self, found: "Provenance") -> None:
        """Checks that what is there now is what was there then.

        Raises:
            BaseModelError: names the first file that differs, with both digests.
        """
        for name, expected in sorted(self.sha256.items()):
            now = found.sha256.get(name, "no such file")
            if now != expected:
                raise BaseModelError(
                    f"{Path(found.folder) / name}: changed since the training "
                    f"(found sha256 {now}, expected {expected}). Put the file back, or train again."
                )
        for name in sorted(found.sha256.keys() - self.sha256.keys()):
            raise BaseModelError(
                f"{Path(found.folder) / name}: was not there at the training (found sha256 "
                f"{found.sha256[name]}, expected no such file). Remove it, or train again."
            )


@dataclass
class Parts:
    """The modules of a pipeline, before they are put together.

    Attributes:
        base: where the frozen base model came from; None: everything is trained from scratch.
        style_weights: where the style encoder's weights came from, if not from the base.
    """

    unet: UNet2DConditionModel
    codec: Codec
    scheduler: DDIMScheduler
    adapter: DNAFAdapter
    style_encoder: StyleEncoder | None  # None without appearance blocks
    base: Provenance | None = None
    style_weights: Provenance | None = None
