"""Runs a stage as a command line: one sentence and exit code 2 for what a user can cause."""

import sys
from collections.abc import Callable, Sequence

import typer

from dnaf.errors import ConfigError, DnafError


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


def by_name(variants: Sequence[str], form: str) -> dict[str, str]:
    """Arguments NAME=REVISION as revisions by name.

    Args:
        form: what is expected, with an example; for the error.

    Raises:
        ConfigError: a part is missing, or a name comes twice.
    """
    revisions: dict[str, str] = {}
    for variant in variants:
        name, _, revision = variant.partition("=")
        if not name or not revision or name in revisions:
            raise ConfigError(f"{variant}: not a variant, or its second mention (expected {form}).")
        revisions[name] = revision
    return revisions
