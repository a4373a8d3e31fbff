"""The ready-made sets of parameters: `params/<name>.yaml` holds what differs from config.py's defaults."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from dnaf.core import sections
from dnaf.core.config import Params
from dnaf.core.errors import ConfigError
from dnaf.core.parameters import file as params_file

FOLDER = Path("params")
DEMO = "demo"
_WRITTEN_BY = "Written by `uv run python -m stages.use "


def names(folder: Path = FOLDER) -> list[str]:
    """The names of all sets, the demo first."""
    return sorted((path.stem for path in folder.glob("*.yaml")), key=lambda name: (name != DEMO, name))


def read(name: str, changes: Sequence[str] = (), folder: Path = FOLDER) -> Params:
    """All parameters of a ready-made set.

    Args:
        name: of the set.
        changes: parameters that are to be others, each as `train.lr=1e-3`; the value is YAML.
        folder: where the sets are.

    Raises:
        ConfigError: there is no such set, or one of its values or of the changes is not allowed.
    """
    path = _path(name, folder)
    values: dict[str, Any] = Params().model_dump()
    if name != DEMO:
        values = _merge(values, sections.read(path))
    params = sections.validate(Params, values, path)
    for change in changes:
        values = _merge(values, _parse_change(change))
    return sections.validate(Params, values, "--set") if changes else params


def title(name: str, folder: Path = FOLDER) -> list[str]:
    """Lines that say what a set is: the comment of its file.

    Raises:
        ConfigError: there is no such set.
    """
    lines = _path(name, folder).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("#").strip() for line in lines if line.startswith("#")]


def to_yaml(name: str, changes: Sequence[str] = (), folder: Path = FOLDER) -> str:
    """The complete params.yaml of a ready-made set, with a header that names the set and the command.

    Args, Raises: as of `read`.
    """
    arguments = " ".join([name, *(f"--set {shlex.quote(change)}" for change in changes)])
    header = [
        *title(name, folder),
        f"{_WRITTEN_BY}{arguments}`; the other sets are in params/.",
        "An empty value is null. docs/parameters.md has the range of every key.",
        "`uv run dvc exp run -S train.lr=1e-3` changes a key here and runs what depends on it.",
    ]
    return params_file.to_yaml(read(name, changes, folder), header)


def lost_edits(old: str, new: str, folder: Path = FOLDER) -> list[str]:
    """What is lost if a params.yaml is replaced: what a ready-made set does not have, nor the new text.

    Args:
        old: text of params.yaml, in whatever state its user left it.
        new: the text that is to replace it.
        folder: where the sets are.

    Returns:
        Each parameter as `key: value`, each comment as it is.
    """
    try:
        values = sections.parse(old)
    except (YAMLError, RecursionError):
        return ["a text that is not valid YAML"]
    found = flat(values) if isinstance(values, dict) else {}
    known = [flat(read(name, folder=folder).model_dump()) for name in names(folder)]
    edits = min((_others(found, values) for values in known), key=len)  # of the nearest set
    lost = _others(edits, flat(sections.parse(new)))
    # All sets have the same comments but for the first lines, which say what the set is.
    ours = {*_comments(new), *(f"# {line}" for name in names(folder) for line in title(name, folder))}
    return [
        *(f"{key}: {params_file.inline(value)}" for key, value in lost.items()),
        *(comment for comment in _comments(old) if comment not in ours),
    ]


def flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """The values by dotted key: {"train": {"lr": 1}} as {"train.lr": 1}."""
    if not isinstance(values, dict):
        return {prefix: values}
    flats = [flat(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in values.items()]
    return {key: value for each in flats for key, value in each.items()}


def _path(name: str, folder: Path) -> Path:
    known = names(folder)
    if not known:
        raise ConfigError(f"{folder}: holds no sets of parameters. Run from the project's root.")
    if name not in known:
        raise ConfigError(f"{name}: no ready-made set of parameters (expected one of: {', '.join(known)}).")
    return folder / f"{name}.yaml"


def _parse_change(change: str) -> dict[str, Any]:
    key, _, text = change.partition("=")
    if not key.strip(".") or "=" not in change:
        raise ConfigError(f"--set {change}: not a change (expected KEY=VALUE, as in train.lr=1e-3).")
    try:
        value = sections.parse(text)
    except (YAMLError, RecursionError) as error:
        raise ConfigError(
            f"--set {change}: not valid YAML (expected a value as in model.channels=[32,64])."
        ) from error
    for name in reversed(key.split(".")):
        value = {name: value}
    return dict(value)


def _merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with changes; a section takes those of its keys that change, a list is replaced."""
    merged = dict(values)
    for key, change in changes.items():
        both = isinstance(change, dict) and isinstance(values.get(key), dict)
        merged[key] = _merge(values[key], change) if both else change
    return merged


def _others(values: Mapping[str, Any], than: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in than or than[key] != value}


def _comments(text: str) -> list[str]:
    """All comments but the one that names the command, which is not the user's."""
    found = [line[line.index("# ") :].strip() for line in text.splitlines() if "# " in line]
    return [comment for comment in found if not comment.startswith(f"# {_WRITTEN_BY}")]
