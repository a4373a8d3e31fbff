"""Runs a stage as a command line: one sentence and exit code 2 for what a user can cause."""

import sys
from collections.abc import Callable

import typer

from dnaf.errors import DnafError


def run(main: Callable[..., None]) -> None:
    """Runs `main` with its Typer annotations as the command line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except DnafError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
