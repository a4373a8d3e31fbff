"""The commands of README.md and docs/*.md, as a reader copies them.

A command is a complete line of a ```bash block: continued lines and loops are one command. An HTML comment
directly above a block, which no reader sees, says what is not run as written:

    <!-- not run: REASON -->            the whole block
    <!-- not run, `PART`: REASON -->    the commands that contain PART
    <!-- serves URL -->                 its only command serves URL, and is stopped by Ctrl-C once URL answers
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
RUN_PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
PAGES = (
    *RUN_PAGES,
    "CONTRIBUTING.md",
    *sorted(f"data/raw/{path.parent.name}/README.md" for path in (ROOT / "data/raw").glob("*/README.md")),
)

_NOT_RUN = re.compile(r"<!-- not run(?:, `(?P<fragment>[^`]+)`)?: (?P<reason>.*?\S) -->")
_SERVES = re.compile(r"<!-- serves (?P<url>http://\S+) -->")
_FIRST_WORDS = re.compile(r"(?:\w+=\S+ )*(?:uv|python|dvc|cp|pip|git|hf|accelerate|export) ")


class PageError(Exception):
    """A page has a block or a marker that does not follow the grammar."""


class Command(NamedTuple):
    """A command, where it begins, why it is not run (None: it is), and the address that it serves."""

    page: str
    line: int
    text: str
    reason: str | None
    url: str | None

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def commands(page: str, text: str) -> list[Command]:
    """All commands of the ```bash blocks of a page, in its order.

    Raises:
        PageError: a block ends within a command; a comment that begins like a marker is none, is not directly
            above a block, or names a part that no command has; a block without a language has commands.
    """
    found = []
    tokens = MarkdownIt().parse(text)
    markers: list[str] = []
    for token in tokens:
        if token.type == "html_block" and _is_marker(token.content):
            markers.append(token.content.strip())
        elif token.type == "fence" and token.info == "bash":
            found += _marked(page, list(_of_block(page, token)), markers)
            markers = []
        elif token.type == "fence" and not token.info and _FIRST_WORDS.match(token.content):
            raise PageError(f"{_place(page, token)}: a block of commands without `bash`: {token.content!r}")
        elif markers:
            raise PageError(f"{_place(page, token)}: no block of commands directly below {markers}")
    if markers:
        raise PageError(f"{page}: no block of commands below {markers}")
    return found


def mentioned(page: str, text: str) -> list[Command]:
    """Commands between backticks in text and tables; those with a placeholder (`<name>`) are left out."""
    found = []
    for token in MarkdownIt().enable("table").parse(text):
        for child in token.children or []:
            is_command = child.type == "code_inline" and _FIRST_WORDS.match(child.content)
            if is_command and not re.search(r"[<>…]|\b[A-Z]{4,}\b(?!=)", child.content):
                found.append(Command(page, (token.map or [0])[0] + 1, child.content, None, None))
    return found


def _is_marker(comment: str) -> bool:
    return comment.startswith(("<!-- not run", "<!-- serves"))


def _place(page: str, token: Token) -> str:
    return f"{page}:{(token.map or [0])[0] + 1}"


def _of_block(page: str, token: Token) -> Iterator[tuple[int, str]]:
    """First line and text of each complete command of a block."""
    pending: list[str] = []
    first = (token.map or [0])[0] + 2
    for number, line in enumerate(token.content.splitlines(), first):
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        pending.append(line)
        text = "\n".join(pending)
        if (
            not line.endswith("\\")
            and subprocess.run(["bash", "-n", "-c", text], capture_output=True).returncode == 0
        ):
            yield number - len(pending) + 1, text
            pending = []
    if pending:
        raise PageError(f"{page}:{first}: bash does not parse {pending}")


def _marked(page: str, block: list[tuple[int, str]], markers: list[str]) -> list[Command]:
    reasons: dict[int, str] = {}
    url = None
    for marker in markers:
        if serves := _SERVES.fullmatch(marker):
            if len(block) != 1:
                raise PageError(f"{page}: {marker} is above {len(block)} commands (expected 1)")
            url = serves["url"]
            continue
        not_run = _NOT_RUN.fullmatch(marker)
        if not_run is None:
            raise PageError(f"{page}: {marker} is not a marker: {__doc__}")
        fragment = not_run["fragment"] or ""
        chosen = [line for line, text in block if fragment in text]
        if not chosen:
            raise PageError(f"{page}: {marker} names a part that no command of its block has")
        reasons |= dict.fromkeys(chosen, not_run["reason"])
    return [Command(page, line, text, reasons.get(line), url) for line, text in block]
