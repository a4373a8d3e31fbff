"""Progress of long work: a rich bar on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

Item = TypeVar("Item")

_SECONDS_BETWEEN_LINES = 10.0


def note(text: str) -> None:
    """Shows one line on stderr: something a user should know, and no reason to stop."""
    print(text, file=sys.stderr, flush=True)


def track(items: Iterable[Item], description: str, total: int, done: int = 0) -> Iterator[Item]:
    """Yields the items and shows on stderr how far the work is.

    Args:
        items: what remains to be done.
        total: number of all items, those done before included.
        done: number of items that an earlier, interrupted run finished.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        yield from rich_track(
            items, description, total=total, completed=done, console=console, transient=True
        )
        return
    last = time.monotonic()
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES and done < total:
            last = now
            note(f"{description}: {done:,} of {total:,}")
    note(f"{description}: {done:,} of {total:,}")
