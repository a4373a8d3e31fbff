"""docs/parameters.md: the ready-made sets and every parameter, from config.py and params/."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dnaf.core import markdown
from dnaf.core.config import Params
from dnaf.core.parameters import file as params_file
from dnaf.core.parameters import sets as parameter_sets

_HEADS = ("parameter", "default", "allowed", "meaning")
_INTRODUCTION = """\
<!-- Written by `uv run python -m stages.parameters`. -->
# Parameters

`params.yaml` holds everything that a run depends on, one section for each stage. Edit it, change a parameter
for an experiment by `uv run dvc exp run -S train.lr=1e-3`, or write it anew:

```bash
uv run python -m stages.use demo-scratch        # a ready-made set
uv run python -m stages.use demo --set seed=1   # with a change
git checkout params.yaml                        # the committed one
```

`--set` may be repeated. If edits of yours in `params.yaml` would be lost, `stages.use` names them and asks
for `--force`."""
_SETS = """\
## Ready-made sets

`params/<name>.yaml` holds only what differs from the demo. A file of your own there is a set, too."""
_ALL = """\
## All parameters

The default is the demo's value. A key that `params.yaml` lacks is an error: DVC must see every change."""


def to_markdown(folder: Path = parameter_sets.FOLDER) -> str:
    """The page.

    Args:
        folder: where the ready-made sets are.
    """
    sets = [_set(name, folder) for name in parameter_sets.names(folder)]
    blocks = [_INTRODUCTION, _SETS, *sets, _ALL, *_sections()]
    return "\n\n".join(blocks) + "\n"


def _set(name: str, folder: Path) -> str:
    values = (folder / f"{name}.yaml").read_text(encoding="utf-8").partition("\n\n")[2]
    lines = [f"### {name}", "", " ".join(parameter_sets.title(name, folder))]
    return "\n".join([*lines, "", "```yaml", values.strip(), "```"] if values else lines)


def _sections() -> Iterator[str]:
    schema = Params.model_json_schema()
    top = {key: entry for key, entry in schema["properties"].items() if not _inner(entry)}
    yield markdown.table(_HEADS, map(_row, top, top.values()))
    for key, entry in schema["properties"].items():
        if _inner(entry):
            name = _inner(entry).rpartition("/")[2]
            fields = schema["$defs"][name]["properties"]
            yield f"### {key}\n\n{entry['description'][0].upper()}{entry['description'][1:]}."
            yield markdown.table(_HEADS, map(_row, fields, fields.values()))


def _inner(entry: Any) -> str:
    """Where the schema describes the section that an entry is, or that each value of a mapping is."""
    return str(entry.get("$ref") or entry.get("additionalProperties", {}).get("$ref", ""))


def _row(key: str, entry: Any) -> list[str]:
    return [f"`{key}`", _value(entry["default"]), _allowed(entry), entry["description"]]


def _value(value: Any) -> str:
    if isinstance(value, list) and value:
        return ", ".join(map(_value, value))
    return f"`{params_file.inline(value)}`"


def _allowed(entry: Any) -> str:
    """What an entry of a JSON schema allows, in words."""
    if "anyOf" in entry:
        return " or ".join(map(_allowed, entry["anyOf"]))
    if "enum" in entry:
        return ", ".join(map(_value, entry["enum"]))
    if entry["type"] == "array":
        least, most = entry.get("minItems", 0), entry.get("maxItems")
        count = f"{least}" if least == most else f"{least} to {most}" if most else f"{least} or more"
        return f"{count} of: {_allowed(entry['items'])}"
    words = {
        "boolean": "`true`, `false`",
        "null": "`null`",
        "string": "text",
        "integer": "integer",
        "number": "number",
    }
    limits = (
        ("minimum", "≥ {}"),
        ("exclusiveMinimum", "> {}"),
        ("maximum", "≤ {}"),
        ("exclusiveMaximum", "< {}"),
        ("multipleOf", "multiple of {}"),
    )
    return ", ".join(
        [words[entry["type"]], *(text.format(entry[key]) for key, text in limits if key in entry)]
    )
