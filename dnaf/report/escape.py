"""Text of other people, such as a method's title, so that a table shows it as it is and does nothing else."""

import re

# Every character that begins something in CommonMark, or in tables and bare links of GitHub's.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


def markdown(text: str) -> str:
    """Text of one line that Markdown shows as it is: no link, no HTML, no emphasis, no new cell."""
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    return re.sub(r"(?i)\b(https?|www|mailto)([:.])", r"\1\\\2", escaped)


def link(text: str, address: str) -> str:
    """A link in Markdown to a web page; the text alone where the address is none."""
    if not re.fullmatch(r"https?://[^\s<>()\[\]|\\\"'`]+", address):
        return markdown(text)
    return f"[{markdown(text)}]({address})"


def cell(text: str) -> str:
    """A cell of CSV that a spreadsheet shows and does not compute."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
