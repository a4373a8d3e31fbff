"""Downloads pretrained weights, or shows which are known and which are here."""

from typing import Annotated

import typer

from stages import _command

_COLOURS = {"ok": "green", "absent": "yellow", "wrong": "red"}


def main(
    names: Annotated[list[str] | None, typer.Argument(help="What to download; else all are shown")] = None,
) -> None:
    """Downloads weights to checkpoints/ and says what to set in params.yaml; nothing else here downloads."""
    from dnaf import config, fetch, files
    from dnaf.errors import ConfigError

    if not names:
        _show()
        return
    known = fetch.purposes()
    for name in names:
        if name not in known:
            raise ConfigError(
                f"fetch_weights: unknown weights (found {name!r}, expected some of {', '.join(known)})."
            )
    with files.run_lock(fetch.FOLDER):
        for name in names:
            print(f"{fetch.path_of(name)}: {fetch.fetch(name)}")
    settings = [name for name in names if name in config.Weights.model_fields]
    if settings:
        print("Set in params.yaml, section `weights`:")
    for name in settings:
        print(f"  {name}: {fetch.path_of(name)}")


def _show() -> None:
    from rich.console import Console
    from rich.table import Table

    from dnaf import fetch
    from dnaf.errors import DnafError

    table = Table(title="Known weights: python -m stages.fetch_weights NAME [NAME...]")
    for heading in ("", "name", "for", "file", "found"):
        table.add_column(heading, overflow="fold")
    for name, purpose in fetch.purposes().items():
        state, found = "absent", ""
        if fetch.path_of(name).exists():
            try:
                state, found = "ok", fetch.version_of(name)
            except DnafError as error:
                state, found = "wrong", str(error)
        table.add_row(f"[{_COLOURS[state]}]{state}[/]", name, purpose, str(fetch.path_of(name)), found)
    Console().print(table)


if __name__ == "__main__":
    _command.run(main)
