"""Tables in Markdown."""

from collections.abc import Iterable, Sequence

_RULES = {"l": ":--", "r": "--:"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """A table; a bar or a line break in a cell stays in its cell.

    Args:
        align: `l` or `r` for each column; by default to the left, as Markdown does.
    """
    rules = [_RULES[letter] for letter in align] or ["---"] * len(heads)
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in (heads, rules, *rows))


def _cell(text: str) -> str:
    return " ".join(text.splitlines()).replace("|", "\\|")
