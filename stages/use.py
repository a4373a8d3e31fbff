"""Write params.yaml: a ready-made set of parameters, complete and commented.

Reads: params/NAME.yaml, and params.yaml for edits that would be lost

Writes: params.yaml

params.yaml: all of it

Documentation: docs/parameters.md

Example: uv run python -m stages.use deepfashion --set train.lr=1e-4
"""

from typing import Annotated

import typer

from stages import _command

_MOST_TOLD = 8


def main(
    name: Annotated[str, typer.Argument(help="A file of params/, without .yaml: demo, deepfashion, …")],
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a parameter, as in train.lr=1e-3; repeatable"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Even if edits of params.yaml are lost")] = False,
) -> str:
    from dnaf.core import commands, config, files
    from dnaf.core.errors import StateError
    from dnaf.core.parameters import sets as parameter_sets

    text, path = parameter_sets.to_yaml(name, change or []), config.PARAMS
    old = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lost = parameter_sets.lost_edits(old, text)
    if lost and not force:
        more = f" and {len(lost) - _MOST_TOLD} more" if len(lost) > _MOST_TOLD else ""
        raise StateError(
            f"{path}: holds edits that would be lost ({'; '.join(lost[:_MOST_TOLD])}{more}). "
            "Keep them by --set or in a copy of the file, or drop them by --force."
        )
    files.write_atomic(path, text)
    return f"The set {name} → {path}; `{commands.stage('doctor')}` says what it still needs"


if __name__ == "__main__":
    _command.run(main)
