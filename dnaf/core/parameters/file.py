"""params.yaml as text: complete, commented from config.py, and in the form that DVC writes.

`dvc exp run -S` reads the file by ruamel.yaml and writes it again. In ruamel's own form (lists not indented,
nothing for null, no blank line after a list) a changed parameter is one changed line.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from dnaf.core.config import Params
from dnaf.core.sections import Section

_COLUMN = 29  # where comments begin, if the value leaves room


def to_yaml(params: Params, header: Sequence[str]) -> str:
    """The text of params.yaml.

    Args:
        params: all parameters.
        header: lines of the comment that comes first.
    """
    lines = [*(f"# {line}" for line in header), ""]
    for key, field in Params.model_fields.items():
        value = getattr(params, key)
        after_list = lines[-1].startswith("- ")
        if isinstance(value, Section | dict | list) and not after_list and lines[-1]:
            lines.append("")
        lines += _entry(key, value, _comment(field), "")
    return "\n".join(lines) + "\n"


def choices(kind: Any) -> tuple[Any, ...]:
    """The values that a type lists by `Literal`, wherever in it; empty if it lists none."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(choice for inner in get_args(kind) for choice in choices(inner))


def scalar(value: Any) -> str:
    """A value as YAML writes it on a line; null is nothing."""
    yaml, stream = YAML(), io.StringIO()
    yaml.width = 4096  # a long path is not folded, or its comment would belong to it
    yaml.dump([value], stream)
    return stream.getvalue().removeprefix("-").strip()


def inline(value: Any) -> str:
    """A value on a line, a list too: [a, b]; null is null."""
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    return "null" if value is None else scalar(value)


def _entry(key: str, value: Any, comment: str | None, indent: str) -> Iterator[str]:
    """Lines of a key and all that it holds; None: neither it nor what it holds has a comment."""
    inner = indent + "  "
    match value:
        case Section():
            yield _line(f"{indent}{key}:", comment)
            for name, field in type(value).model_fields.items():
                yield from _entry(
                    name, getattr(value, name), None if comment is None else _comment(field), inner
                )
        case dict():
            yield _line(f"{indent}{key}:", comment)
            for number, (name, section) in enumerate(value.items()):
                # All have the same keys, so the comments of the first are enough.
                yield from _entry(name, section, None if number else "", inner)
        case []:
            yield _line(f"{indent}{key}: []", comment)
        case list():
            yield _line(f"{indent}{key}:", comment)
            yield from (f"{indent}- {scalar(item)}" for item in value)
        case _:
            yield _line(f"{indent}{key}: {scalar(value)}".rstrip(), comment)


def _comment(field: FieldInfo) -> str:
    listed = " | ".join(str(choice) for choice in choices(field.annotation))
    return ": ".join(filter(None, [listed, field.description]))


def _line(text: str, comment: str | None) -> str:
    return f"{text:{_COLUMN - 2}}  # {comment}" if comment else text
