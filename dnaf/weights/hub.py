"""Model folders from the Hugging Face hub."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from dnaf.core import files
from dnaf.core.errors import BaseModelError, DataError, ResourceError, one_line


@dataclass(frozen=True)
class HubFolder:
    """A model folder on the hub, and which of its files are needed.

    Attributes:
        name: what it is called here, and its folder in `checkpoints/`.
        take, leave: patterns of the paths taken and, of these, left out; `*` matches slashes too.
    """

    name: str
    purpose: str
    repository: str
    take: tuple[str, ...]
    leave: tuple[str, ...]

    def needs(self, path: str) -> bool:
        """Whether a path of the repository is one of the needed files."""
        return any(fnmatchcase(path, pattern) for pattern in self.take) and not any(
            fnmatchcase(path, pattern) for pattern in self.leave
        )


# One precision of each component, in the format that runs no code. Beside their folders lies the whole model
# as one file, twice. Source: diffusers' `DIFFUSERS_DEFAULT_PIPELINE_PATHS["v1"]` (the repository).
STABLE_DIFFUSION = HubFolder(
    name="stable-diffusion-v1-5",
    purpose="the base model",
    repository="stable-diffusion-v1-5/stable-diffusion-v1-5",
    take=("*.json", "*.txt", "*/*.safetensors"),
    leave=("*.fp16.*", "*.non_ema.*"),
)
_NEVER = ("*.fp16.*", "*.non_ema.*", "*.bin", "*.ckpt")


def fetch_folder(hub: HubFolder, folder: Path) -> str:
    """Downloads what is needed of a model folder, checks it, and returns its commit; resumes what broke off.

    The folder's manifest, written last, says that it is complete.

    Raises:
        DataError: a file is not what the hub says of it.
        ResourceError: no connection, no such folder there, or the disk is full; what came is kept.
    """
    from huggingface_hub import HfApi, snapshot_download

    try:
        # Asked first, because offline the next call takes what is there already for the whole.
        info = HfApi().model_info(hub.repository, files_metadata=True)
        wanted = [file for file in info.siblings or () if hub.needs(file.rfilename)]
        names = [file.rfilename for file in wanted]
        snapshot_download(hub.repository, revision=info.sha, local_dir=folder, allow_patterns=names)
    # Its client was requests, httpx and httpx2 in turn, each with errors of its own.
    except Exception as error:
        raise ResourceError(
            f"{hub.repository}: could not be downloaded ({one_line(error)}). "
            "Run the command again when online: it goes on from there."
        ) from error
    for file in wanted:
        path = folder / file.rfilename
        # Small files have no sha256 on the hub.
        if path.stat().st_size != file.size or (file.lfs and files.digest(path) != file.lfs.sha256):
            path.unlink()
            raise DataError(f"{path}: not the file that the hub has. It was removed; run the command again.")
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    files.write_manifest(folder, {"repository": hub.repository, "commit": info.sha})
    return str(info.sha)


def cached_folder(
    name: str | Path,
    take: Sequence[str],
    revision: str | None = None,
    token: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """The folder of the hub's repository of that name, fetched into huggingface_hub's cache.

    Args:
        take: patterns of the paths that are fetched; weights in half precision and pickles never are.
        revision, token, cache_dir, local_files_only: as `huggingface_hub.snapshot_download` takes them.

    Raises:
        BaseModelError: there is no such repository, or no connection to the hub.
    """
    from huggingface_hub import snapshot_download

    try:
        fetched = snapshot_download(
            str(name),
            allow_patterns=list(take),
            ignore_patterns=list(_NEVER),
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
    except Exception as error:  # as above
        raise BaseModelError(
            f"{name}: no such folder, and not to be had from the Hugging Face hub "
            f"({one_line(error)}). Check the name and the connection."
        ) from error
    return Path(fetched)
