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


def rewritten(page: str, name: str, text: str) -> str:
    """A page, with the text between `<!-- written by stages.parameters: NAME -->` and `<!-- end -->`.

    Raises:
        ValueError: the page has no such marks.
    """
    start = f"<!-- written by stages.parameters: {name} -->\n"
    before, found, rest = page.partition(start)
    _, end, after = rest.partition("<!-- end -->")
    if not found or not end:
        raise ValueError(f"no marks around {name}")
    return f"{before}{start}\n{text}\n\n{end}{after}"


def _cell(text: str) -> str:
    return " ".join(text.splitlines()).replace("|", "\\|")
