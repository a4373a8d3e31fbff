"""Pack a method's scores into one file, which others merge into their tables.

Reads: data/scores, data/pairs/test.csv, data/results/METHOD/card.yaml

Writes: what --out names; by default data/packed/METHOD-PROTOCOL.json

params.yaml: method, protocol

Documentation: docs/protocols.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    method: Annotated[
        str | None, typer.Argument(help="A folder of data/results; by default params.yaml's `method`")
    ] = None,
    protocol: _command.Protocol = None,
    out: Annotated[Path | None, typer.Option(help="The file to write")] = None,
) -> str:
    from dnaf.core import commands, config

    method, protocol = method or config.load_method(), protocol or config.load_protocol()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.evaluate.submissions.find import read_pairs_csv
    from dnaf.publishing.pack import pack

    out = out or Path(f"data/packed/{method}-{protocol}.json")
    with _command.writing(out):
        test = read_pairs_csv(Path("data/pairs/test.csv"))
        pack(method, protocol, Path("data/scores"), Path("data/results"), test, out)
    return f"{method} ({protocol}) → {out}; whoever gets it runs `{commands.stage('merge', out.name)}`"


if __name__ == "__main__":
    _command.run(main)
