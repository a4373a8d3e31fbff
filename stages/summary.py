"""Writes the chosen method's main numbers to one fixed path, for `dvc metrics diff`."""

from pathlib import Path

from stages import _command


def main() -> None:
    """Reads the metrics of params.yaml's `method` under its `protocol`; writes metrics/summary.json."""
    from dnaf import config, files
    from dnaf.report.summary import summary

    method, protocol = config.load_method(), config.load_protocol()
    files.write_json(Path("metrics/summary.json"), summary(protocol, method, Path("data/scores")))


if __name__ == "__main__":
    _command.run(main)
