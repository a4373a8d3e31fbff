"""All weights that can be downloaded by name: where each goes, whether it is there, and getting it."""

from pathlib import Path

from dnaf.core import files
from dnaf.weights.download import download
from dnaf.weights.hub import STABLE_DIFFUSION, fetch_folder
from dnaf.weights.registry import WEIGHTS, check, url_of

FOLDER = Path("checkpoints")


def purposes() -> dict[str, str]:
    """The names, and what each is for."""
    names = {known.name: known.purpose for known in WEIGHTS.values()}
    return names | {STABLE_DIFFUSION.name: STABLE_DIFFUSION.purpose}


def path_of(name: str) -> Path:
    """Where it is put: a file, of the base model a folder."""
    return FOLDER / (WEIGHTS[name].file if name in WEIGHTS else name)


def version_of(name: str) -> str:
    """The sha256 or commit of what is there.

    Raises:
        DataError: the file is another version.
        StateError: the folder is incomplete or was changed.
    """
    path = path_of(name)
    if name in WEIGHTS:
        return f"sha256 {check(WEIGHTS[name], path)}"
    return f"commit {files.require_complete(path).get('commit')}"


def megabytes_of(name: str) -> float:
    """The size of what is there, in MB."""
    path = path_of(name)
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files) / 1e6


def fetch(name: str) -> str:
    """Downloads what is not there yet and returns its version. What is there, intact or not, is not replaced.

    Raises:
        DataError: something else is there or came.
        ResourceError: no connection, or the disk is full; the next call goes on from there.
        StateError: the folder that is there was changed.
    """
    path = path_of(name)
    if (path if name in WEIGHTS else path / files.MANIFEST).exists():
        return version_of(name)
    if name in WEIGHTS:
        return f"sha256 {download(url_of(name), path, WEIGHTS[name].digest)}"
    return f"commit {fetch_folder(STABLE_DIFFUSION, path)}"
