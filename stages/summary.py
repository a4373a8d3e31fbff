"""Write the chosen method's main numbers to one fixed path, for `uv run dvc metrics diff`.

Reads: data/scores

Writes: metrics/summary.json

params.yaml: method, protocol, own

Documentation: docs/protocols.md
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.core import commands, config, files
    from dnaf.evaluate.metrics.own import columns_with
    from dnaf.report.summary import summary

    method, protocol = config.load_method(), config.load_protocol()
    columns, out = columns_with(config.load_own_metrics()), Path("metrics/summary.json")
    with _command.writing(out):
        numbers = summary(protocol, method, Path("data/scores"), columns)
        files.write_json(out, numbers)
    return (
        f"{len(numbers)} numbers of {method} ({protocol}) → {out}; "
        f"`{commands.dvc('metrics diff')}` compares them with the last commit's"
    )


if __name__ == "__main__":
    _command.run(main)
