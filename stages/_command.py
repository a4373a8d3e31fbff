"""Runs a stage as a command line: a line at once, its result as the last one, one sentence for an error."""

import io
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Annotated

import typer

from dnaf.core import commands
from dnaf.core.errors import DnafError
from dnaf.core.progress import note

# Arguments that several stages have; each asks params.yaml only if it is not given, as DVC gives them all.
Dataset = Annotated[
    str | None, typer.Argument(help="A key of `datasets` in params.yaml; by default its `dataset`")
]
Protocol = Annotated[
    str | None,
    typer.Argument(help="cfld, gfla, …, see docs/protocols.md; by default params.yaml's `protocol`"),
]

Command = Callable[..., str | None]


def run(*functions: Command) -> None:
    """Runs a function with its Typer annotations as the command line; several are sub-commands.

    What it returns is its result in a line or more: what was made, and where it is. Only the first of several
    processes says it.
    """
    app, name = to_app(*functions), _name(functions[0])
    package = "pretraining" if functions[0].__globals__["__package__"] == "pretraining" else "stages"
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no arrow
    by_name = sys.argv[0].startswith("dnaf ")  # see dnaf/cli.py
    try:
        app(prog_name=None if by_name else commands.module(package, name))
    except DnafError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def writing(*outputs: Path) -> AbstractContextManager[None]:
    """A stage's work on what it writes: no other process may write there meanwhile; see `locks.sole_writer`.

    Of several processes the first one has the lock for all.
    """
    from dnaf.core import locks

    return locks.sole_writer(*outputs) if is_first_process() else nullcontext()


def to_app(*functions: Command) -> typer.Typer:
    """The command line of a stage; its help is the docstring of the module."""
    text = functions[0].__globals__["__doc__"]
    app = typer.Typer(help=text, add_completion=False, pretty_exceptions_enable=False)
    for function in functions:
        app.command(help=text if len(functions) == 1 else None)(_announced(function))
    return app


def _announced(function: Command) -> Callable[..., None]:
    """The function, which says what it is about before it imports what takes seconds, and then its result."""
    sentence = function.__globals__["__doc__"].partition("\n")[0].rstrip(".")

    @wraps(function)
    def announced(*args: object, **options: object) -> None:
        if is_first_process():
            note(f"{_name(function)}: {sentence} …")
        result = function(*args, **options)
        if result and is_first_process():
            print(result, flush=True)

    return announced


def _name(function: Command) -> str:
    return Path(function.__globals__["__file__"]).stem


def is_first_process() -> bool:
    """Of those that share a stage's work; where there is only one, that one."""
    return os.environ.get("RANK", "0") == "0"  # set by `accelerate launch`
