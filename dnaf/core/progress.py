"""Progress of long work: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

Item = TypeVar("Item")

_SECONDS_BETWEEN_LINES = 10.0


def note(text: str) -> None:
    """Shows one line on stderr: something a user should know, and no reason to stop.

    No reason to stop is also that nobody can read it: a log on a full disk, a terminal that was closed.
    """
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def track(
    items: Iterable[Item],
    description: str,
    total: int,
    done: int = 0,
    detail: Callable[[], str] | None = None,
) -> Iterator[Item]:
    """Yields the items and shows on stderr how far the work is, how fast it goes and when it ends.

    Args:
        items: what remains to be done.
        description: of the work.
        total: number of all items, those done before included.
        done: number of items that an earlier, interrupted run finished.
        detail: gives what else to show, such as the loss; called after an item is done.
    """
    pace = _Pace(description, total, done, detail)
    console = Console(stderr=True)
    yield from (_with_bar(items, pace, console) if console.is_terminal else _with_lines(items, pace))


class _Pace:
    """How far the work is, in words."""

    def __init__(self, description: str, total: int, done: int, detail: Callable[[], str] | None) -> None:
        self.description, self.total, self.done = description, total, done
        self._before, self._start, self._detail = done, time.monotonic(), detail

    def rate(self) -> str:
        """What else there is to show, how fast it goes, and when it ends."""
        detail = [self._detail()] if self._detail and self.done > self._before else []
        seconds = time.monotonic() - self._start
        return ", ".join([*detail, *rate(self.done - self._before, self.total - self.done, seconds)])

    def line(self) -> str:
        """All of it."""
        rest = self.rate()
        return f"{self.description}: {self.done:,} of {self.total:,}" + (rest and f", {rest}")


def rate(num_done: int, num_left: int, seconds: float) -> list[str]:
    """The rate of work and the time it still takes, or took; nothing before the first item is done."""
    if not num_done or not seconds:
        return []
    each = seconds / num_done
    speed = f"{each:.1f} s each" if each > 1 else f"{1 / each:.1f} a second"
    return [speed, f"{duration(num_left * each)} left" if num_left else f"done in {duration(seconds)}"]


def duration(seconds: float) -> str:
    """A time in the two units in which people say it."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60
    if hours:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def _with_bar(items: Iterable[Item], pace: _Pace, console: Console) -> Iterator[Item]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(pace.description, total=pace.total, completed=pace.done, rate="")
        for item in items:
            yield item
            pace.done += 1
            progress.update(task, completed=pace.done, rate=pace.rate())


def _with_lines(items: Iterable[Item], pace: _Pace) -> Iterator[Item]:
    note(pace.line())
    last = time.monotonic()
    for item in items:
        yield item
        pace.done += 1
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES and pace.done < pace.total:
            last = now
            note(pace.line())
    note(pace.line())
