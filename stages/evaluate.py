"""Scores one method's images of the test pairs under one protocol."""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: Annotated[str, typer.Argument(help="Data set: a key of `datasets` in params.yaml")],
    method: Annotated[str, typer.Argument(help="Method: a folder of data/results")],
    protocol: Annotated[str, typer.Argument(help="Protocol: cfld, gfla, …; see docs/protocols.md")],
) -> None:
    """Reads a method's images, the data set's and data/reference/PROTOCOL; writes its metrics and scores.

    A method without results gets a row that says so.
    """
    from dnaf import config, files
    from dnaf.evaluate import inputs
    from dnaf.evaluate.card import read_card

    params, seed = config.load(config.Evaluate), config.load_seed()
    weights = config.load_weights(config.Weights.model_fields)
    size, form = config.load_size(dataset), config.load_format(dataset)
    results = Path("data/results")
    scores = Path("data/scores") / protocol
    metrics_json, scores_csv = scores / f"{method}.json", scores / f"{method}.csv"

    test = inputs.read_test_pairs(Path("data/pairs"))
    card = read_card(results / method / inputs.CARD)
    found = inputs.find_results(method, results, card)
    if found is None:
        files.write_atomic(scores_csv, "source,target\n")
        files.write_json(metrics_json, inputs.absent(len(test.pairs), protocol))
        return

    # Only now what takes seconds to import: most methods of a fresh project are absent.
    from dnaf.evaluate.method import Setting, score_method
    from dnaf.evaluate.protocol import protocol_for
    from dnaf.shards import open_shards

    setting = Setting(Path("data"), protocol_for(protocol, form), size, form, weights, params, seed)
    with open_shards() as shards:
        scored = score_method(method, found, card, test, setting, shards)
    if scored is not None:
        files.write_atomic(scores_csv, scored.table.to_csv(index=False))
        files.write_json(metrics_json, scored.metrics)


if __name__ == "__main__":
    _command.run(main)
