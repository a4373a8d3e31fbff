"""Which of the weights that are known by name are there, and whether they are what they should be."""

from collections.abc import Mapping
from pathlib import Path

from dnaf.core import commands
from dnaf.core.errors import DnafError
from dnaf.doctor.finding import Finding
from dnaf.weights.registry import WEIGHTS, check


def inspect_weights(chosen: Mapping[str, Path | None]) -> list[Finding]:
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
