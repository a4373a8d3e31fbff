"""Runs a stage as a command line: one sentence and exit code 2 for what a user can cause."""

import sys
from collections.abc import Callable

import typer

from dnaf.errors import DnafError


def run(*commands: Callable[..., None]) -> None:
    """Runs a function with its Typer annotations as the command line; several are sub-commands."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    for command in commands:
        app.command()(command)
    try:
        app()
    except DnafError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
