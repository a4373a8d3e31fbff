"""Scores one method's images of the test pairs."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
    method: Annotated[str, typer.Argument(help="Method: a folder of data/results")],
) -> None:
    """Reads data/prepared.zip, data/pairs and data/results/METHOD; writes the method's metrics and scores.

    A method without results gets a row that says so.
    """
    from dnaf import config, files
    from dnaf.evaluate import inputs
    from dnaf.evaluate.protocol import PROTOCOLS

    params = config.load(config.Evaluate)
    size = config.load_size(dataset)
    seed = config.load_seed()
    pairs_folder = Path("data/pairs")
    results_folder = Path("data/results") / method
    metrics_json = Path("metrics/methods") / f"{method}.json"
    scores_csv = Path("data/scores") / f"{method}.csv"

    test = inputs.read_test_pairs(pairs_folder)
    if inputs.is_absent(method, results_folder):
        files.write_atomic(scores_csv, "source,target\n")
        files.write_json(metrics_json, inputs.absent(len(test.pairs), PROTOCOLS[params.protocol]))
        return

    # Only now what takes seconds to import: most methods of a fresh project are absent.
    from dnaf.data.store import ImageStore
    from dnaf.device import default_device
    from dnaf.evaluate.results import open_results
    from dnaf.evaluate.score import score

    prepared = ImageStore(Path("data/prepared.zip"))
    results = open_results(method, results_folder, pairs_folder, test.pairs, prepared)
    scored = score(results, test, prepared, size, params, seed, default_device())
    files.write_atomic(scores_csv, scored.table.to_csv(index=False))
    files.write_json(metrics_json, scored.metrics)


if __name__ == "__main__":
    _command.run(main)
