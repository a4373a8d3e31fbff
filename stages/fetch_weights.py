"""Download pretrained weights and check them; without names, list which are known and which are here.

Reads: the network, only if names are given; no other stage does

Writes: checkpoints/

params.yaml: nothing; prints what to set in the section weights

Documentation: docs/protocols.md and docs/base-models.md
"""

from typing import Annotated

import typer

from stages import _command

_COLOURS = {"ok": "green", "absent": "yellow", "wrong": "red"}


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="What to download; by default all are listed")
    ] = None,
) -> None:
    from dnaf.core import config
    from dnaf.core.errors import ConfigError, DnafError, ResourceError
    from dnaf.core.progress import note
    from dnaf.weights import fetch

    if not names:
        _show()
        return
    known = fetch.purposes()
    for name in names:
        if name not in known:
            raise ConfigError(
                f"fetch_weights: unknown weights (found {name!r}, expected some of {', '.join(known)})."
            )
    failed = []
    with _command.writing(fetch.FOLDER):
        for name in names:
            try:
                version = fetch.fetch(name)
            except DnafError as error:
                failed.append(name)
                note(f"{name}: {error}")
            else:
                print(f"{fetch.path_of(name)}: {fetch.megabytes_of(name):,.1f} MB, {version}", flush=True)
    settings = [name for name in names if name in config.Weights.model_fields and name not in failed]
    if settings:
        print("Set in params.yaml, section `weights`:")
    for name in settings:
        print(f"  {name}: {fetch.path_of(name)}")
    if failed:
        places = ", ".join(f"{name} at {fetch.path_of(name)}" for name in failed)
        raise ResourceError(
            f"fetch_weights: {len(failed)} of {len(names)} could not be fetched (see above). Run the command "
            f"again, or put by hand: {places}."
        )


def _show() -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dnaf.core import commands
    from dnaf.core.errors import DnafError
    from dnaf.weights import fetch

    table = Table(title=Text(f"Known weights: {commands.stage('fetch_weights', 'NAME [NAME...]')}", "italic"))
    for heading in ("", "name", "for", "place", "MB", "found"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "MB" else "left")
    for name, purpose in fetch.purposes().items():
        state, size, found = "absent", "", ""
        if fetch.path_of(name).exists():
            size = f"{fetch.megabytes_of(name):,.1f}"
            try:
                state, found = "ok", fetch.version_of(name)
            except DnafError as error:
                state, found = "wrong", str(error)
        cells = (name, purpose, str(fetch.path_of(name)), size, found)
        table.add_row(Text(state, _COLOURS[state]), *map(Text, cells))
    Console().print(table)
    check = commands.stage("fetch_weights", "NAME")
    print(f"A file that you have from elsewhere goes to its place; `{check}` then checks it.")


if __name__ == "__main__":
    _command.run(main)
