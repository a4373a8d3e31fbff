"""All weights that can be downloaded by name: where each goes, whether it is there, and getting it."""

from collections.abc import Mapping
from pathlib import Path

from dnaf import files
from dnaf.data.inventory import Finding
from dnaf.download import download
from dnaf.errors import DnafError
from dnaf.evaluate.weights import WEIGHTS, check, url_of
from dnaf.hub import STABLE_DIFFUSION, fetch_folder

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


def inspect(chosen: Mapping[str, Path | None]) -> list[Finding]:
    """What of all this is there, and what it means where it is not.

    Args:
        chosen: the files that the section `weights` of params.yaml names.
    """
    return [_inspect(name, purpose, chosen) for name, purpose in purposes().items()]


def _inspect(name: str, purpose: str, chosen: Mapping[str, Path | None]) -> Finding:
    what = f"weights {name}"
    path = chosen[name] if name in chosen else path_of(name) if path_of(name).exists() else None
    if path is None:
        without = "a metric is `_random` or left out without; " if name in chosen else ""
        return Finding(what, "absent", f"for {purpose}; {without}`python -m stages.fetch_weights {name}`")
    if name in chosen and not path.is_file():
        return Finding(what, "missing", f"{path}, which params.yaml names")
    try:
        version = f"sha256 {check(WEIGHTS[name], path)}" if name in chosen else version_of(name)
    except DnafError as error:
        return Finding(what, "wrong", str(error))
    return Finding(what, "ok", f"{path}: {version}")


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
