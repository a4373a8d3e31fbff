"""Where the frozen components of a model came from, and what it held then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dnaf.core import files
from dnaf.core.errors import BaseModelError, StateError
from dnaf.model.autoencoder import EARLIER_FOLDER, FOLDER

_ADVICE = "Get the folder again."


def require_intact(folder: Path, paths: Iterable[Path]) -> dict[str, str]:
    """The sha256 of files of a model's folder, by relative path, checked against its manifest if it has one.

    Raises:
        BaseModelError: a file is not as the manifest says.
    """
    try:
        return files.require_intact(folder, paths, _ADVICE)
    except StateError as error:
        raise BaseModelError(str(error)) from error


@dataclass(frozen=True)
class Provenance:
    """A folder or a file, and the sha256 of each file that was read there.

    Attributes:
        folder: as params.yaml names it.
        sha256: by path relative to the folder (of `codec/`, as it was called once, by `autoencoder/`), or by
            the file's name.
        prompt: sha256 of the prompt's embedding, which stands for tokenizer and text encoder.
    """

    folder: str
    sha256: Mapping[str, str]
    prompt: str | None = None

    def __post_init__(self) -> None:
        earlier = f"{EARLIER_FOLDER}/"
        named = {
            f"{FOLDER}/{name.removeprefix(earlier)}" if name.startswith(earlier) else name: sha
            for name, sha in self.sha256.items()
        }
        object.__setattr__(self, "sha256", named)

    @classmethod
    def of(cls, folder: Path, paths: Iterable[Path], prompt: str | None = None) -> "Provenance":
        """Reads the files and records their digests.

        Raises:
            BaseModelError: the folder has a manifest, and a file is not as that says.
        """
        return cls(str(folder), require_intact(folder, paths), prompt)

    @property
    def digest(self) -> str:
        """One sha256 of it all, wherever the folder stands."""
        return files.fingerprint({"files": dict(self.sha256), "prompt": self.prompt})

    def require(self, found: "Provenance") -> None:
        """Checks that what is there now is what was there then.

        Raises:
            BaseModelError: names the first file that differs, with both digests.
        """
        for name in sorted(self.sha256.keys() | found.sha256.keys()):
            expected, now = (side.sha256.get(name, "no such file") for side in (self, found))
            if now != expected:
                raise BaseModelError(
                    f"{found.folder}: {name}: changed since the training (found sha256 {now}, "
                    f"expected {expected}). Put the file back, or train again."
                )
        if found.prompt != self.prompt:
            raise BaseModelError(
                f"{found.folder}: another prompt's embedding than at the training (found sha256 "
                f"{found.prompt}, expected {self.prompt}). Train again."
            )
