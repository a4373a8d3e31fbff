"""A YAML file of parameters as frozen, typed, range-checked sections; every mistake in it is one sentence.

Read with ruamel.yaml as YAML 1.2, like DVC: PyYAML takes `5e-05`, which `dvc exp run -S` writes, for text.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dnaf.core.errors import ConfigError, one_line, short
from dnaf.core.files import read_bytes

_MAX_BYTES = 1_000_000
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


class Section(BaseModel):
    """A section of a file of parameters, or all of it.

    A default describes the parameter and fills the ready-made sets. It never fills a gap in a file: DVC would
    not see it change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    name: ClassVar[str]


AnySection = TypeVar("AnySection", bound=Section)


def read(path: Path) -> dict[str, Any]:
    """Reads a file of parameters, which is not to be changed: the next reader gets the same one.

    Raises:
        ConfigError: it cannot be read, is not YAML, or holds no keys.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: too large (expected at most {_MAX_BYTES:,} bytes).")
        values = parse(read_bytes(path).decode())
    except OSError as error:
        raise ConfigError(
            f"{path}: could not be read ({error.strerror}). Run from the project's root."
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        reason = one_line(error)
        raise ConfigError(f"{path}: not valid YAML ({reason}).") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a mapping of sections.")
    return values


@lru_cache(maxsize=8)  # a stage reads its file once, and parses it once however many sections it loads
def parse(text: str) -> Any:
    """The values of a YAML text; the same object for the same text.

    Raises:
        YAMLError: it is none, or a value in it is not what it looks like, such as the date 2024-13-45.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        raise
    # ruamel.yaml makes dates and numbers by Python's own constructors, which raise errors of their own.
    except Exception as error:
        raise YAMLError(one_line(error) or type(error).__name__) from error


def get(values: Mapping[str, Any], key: str, where: Path | str) -> Any:
    """The value of a key.

    Raises:
        ConfigError: there is none.
    """
    if key not in values:
        raise _missing(key, where)
    return values[key]


def validate(
    section: type[AnySection],
    values: Any,
    where: Path | str,
    prefix: str = "",
    keys: Collection[str] | None = None,
) -> AnySection:
    """The values as a section.

    Args:
        section: what they should be.
        values: what was read.
        where: they came from, for the error.
        prefix: the section's own key, dotted; empty for a whole file.
        keys: those that must be there; all of them by default.

    Raises:
        ConfigError: names the first key that is unknown, missing, of the wrong type or out of range.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: {prefix}: wrong type (found {short(values)}, expected keys).")
    try:
        loaded = section.model_validate(values)
    except ValidationError as error:
        raise _error(section, error, where, prefix) from error
    gap = next(_gaps(loaded, values, keys or section.model_fields), None)
    if gap:
        raise _missing(_dotted(prefix, gap), where)
    return loaded


def validate_field(section: type[Section], key: str, value: Any, where: Path | str) -> Any:
    """A single value of a section, whatever its other values are.

    Raises:
        ConfigError: it has the wrong type or is out of range.
    """
    field = section.model_fields[key]
    kind: Any = Annotated[field.annotation, field]
    try:
        return TypeAdapter(kind, config=_STRICT).validate_python(value)
    except ValidationError as error:
        raise _refused(key, error.errors()[0], where) from error


def _gaps(loaded: Any, values: Any, keys: Iterable[str]) -> Iterator[str]:
    """Dotted keys of a section that its file lacks."""
    for key in keys:
        inner = loaded[key] if isinstance(loaded, dict) else getattr(loaded, key)
        if key not in values:
            yield key
        elif isinstance(inner, Section | dict):
            inner_keys = inner if isinstance(inner, dict) else type(inner).model_fields
            yield from (_dotted(key, gap) for gap in _gaps(inner, values[key], inner_keys))


def _error(section: type[Section], error: ValidationError, where: Path | str, prefix: str) -> ConfigError:
    errors = error.errors()
    # A misspelt key is both unknown and missing; the unknown one is what the user wrote.
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    key = _dotted(prefix, *first["loc"])
    if first["type"] == "extra_forbidden":
        kind: Any = section
        for step in first["loc"][:-1]:  # through sections, and mappings of a name to a section
            kind = kind.model_fields[step].annotation if hasattr(kind, "model_fields") else get_args(kind)[-1]
        return ConfigError(f"{where}: {key}: unknown key (expected one of: {', '.join(kind.model_fields)}).")
    return _missing(key, where) if first["type"] == "missing" else _refused(key, first, where)


def _missing(key: str, where: Path | str) -> ConfigError:
    return ConfigError(
        f"{where}: {key}: missing. docs/parameters.md has its meaning and the demo's value; "
        "`uv run python -m stages.use NAME` writes a complete file."
    )


def _refused(key: str, error: Any, where: Path | str) -> ConfigError:
    if error["type"] in ("model_type", "dict_type"):
        return ConfigError(f"{where}: {key}: wrong type (found {short(error['input'])}, expected keys).")
    expected = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    if isinstance(error["input"], dict) and error["type"] == "value_error":
        place = ": ".join(filter(None, [str(where), key]))
        return ConfigError(f"{place}: values that do not fit together ({expected}).")
    return ConfigError(f"{where}: {key}: not allowed (found {short(error['input'])}, expected {expected}).")


def _dotted(*names: Any) -> str:
    return ".".join(str(name) for name in names if name != "")
