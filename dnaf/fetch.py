"""All weights that can be downloaded by name: where each goes, whether it is there, and getting it."""

from collections.abc import Mapping
from pathlib import Path

from dnaf import commands, files
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


def megabytes_of(name: str) -> float:
    """The size of what is there, in MB."""
    path = path_of(name)
    parts = [path] if path.is_file() else [part for part in path.rglob("*") if part.is_file()]
    return sum(part.stat().st_size for part in parts) / 1e6


def inspect(chosen: Mapping[str, Path | None]) -> list[Finding]:
    """Whether the files that the section `weights` of params.yaml names are there."""
    return [_inspect(name, path) for name, path in chosen.items()]


def _inspect(name: str, path: Path | None) -> Finding:
    what = f"weights {name}"
    if path is None:
        return Finding(
            what,
            "absent",
            "null in params.yaml: metrics are of random networks, `_random`, or left out; "
            f"`{commands.stage('fetch_weights')}` lists what can be had",
        )
    if not path.is_file():
        get = commands.stage("fetch_weights", name)
        return Finding(what, "missing", f"{path}, which params.yaml names; `{get}`, or put it there by hand")
    try:
        return Finding(what, "ok", f"{path}: sha256 {check(WEIGHTS[name], path)}")
    except DnafError as error:
        return Finding(what, "wrong", str(error))


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
