"""Score one method's images of the test pairs under one protocol; without images, write that it has none.

Reads: data/results/METHOD, data/pairs, data/images.zip, data/prepared.zip, data/reference/PROTOCOL,
  data/base/efficientnet_lite0

Writes: data/scores/PROTOCOL/METHOD.json, data/scores/PROTOCOL/METHOD.csv

params.yaml: evaluate, weights, own, seed, datasets, dataset, method, protocol

Documentation: docs/protocols.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    dataset: _command.Dataset = None,
    method: Annotated[
        str | None, typer.Argument(help="A folder of data/results; by default params.yaml's `method`")
    ] = None,
    protocol: _command.Protocol = None,
) -> str:
    from dnaf.core import config, seals
    from dnaf.evaluate.metrics.own import own_metrics
    from dnaf.evaluate.protocols.registry import protocol_for
    from dnaf.evaluate.submissions.find import CARD, absent, find_results, read_test_pairs
    from dnaf.evaluate.submissions.method_card import read_card
    from dnaf.evaluate.submissions.result_file import find_merged, origin_text, scores_elsewhere

    dataset, method = dataset or config.load_chosen_dataset(), method or config.load_method()
    protocol = protocol or config.load_protocol()
    params, seed = config.load(config.Evaluate), config.load_seed()
    weights = config.load_weights(config.Weights.model_fields)
    size, format_name = config.load_size(dataset), config.load_format(dataset)
    chosen = protocol_for(protocol, format_name, config.load_own_protocols())
    metrics = own_metrics(config.load_own_metrics())
    results = Path("data/results")
    scores = Path("data/scores") / protocol
    metrics_json, scores_csv = scores / f"{method}.json", scores / f"{method}.csv"

    with _command.writing(metrics_json, scores_csv):
        test = read_test_pairs(Path("data/pairs"))
        card = read_card(results / method / CARD)
        found = find_results(method, results, card)
        if found is None and (merged := find_merged(method, results, protocol)):
            import pandas as pd

            theirs, of_pairs = scores_elsewhere(merged, chosen, test, size)
            if _command.is_first_process():
                table = pd.DataFrame(test.pairs, columns=["source", "target"]).assign(**of_pairs)
                seals.write_sealed(scores_csv, table.to_csv(index=False, lineterminator="\n"))
                seals.write_sealed_json(metrics_json, theirs)
            origin = origin_text(theirs["protocol"]["elsewhere"])
            return (
                f"{card.title} ({protocol}): computed elsewhere, {origin}, out of {merged} → {metrics_json}"
            )
        if found is None:
            if _command.is_first_process():
                seals.write_sealed(scores_csv, "source,target\n")
                seals.write_sealed_json(metrics_json, absent(len(test.pairs), protocol))
            return (
                f"{card.title} ({protocol}): no images in {results / method}, so its row stays empty; "
                "docs/protocols.md says how to add them"
            )

        # Only now what takes seconds to import: most methods of a fresh project are absent.
        from dnaf.core.shards import open_shards
        from dnaf.evaluate.method import Setting, score_method
        from dnaf.evaluate.result_line import result_line

        setting = Setting(Path("data"), chosen, size, format_name, weights, params, seed, metrics)
        with open_shards() as shards:
            scored = score_method(method, found, card, test, setting, shards)
        if scored is None:  # of several processes the first one has it
            return ""
        seals.write_sealed(scores_csv, scored.table.to_csv(index=False, lineterminator="\n"))
        seals.write_sealed_json(metrics_json, scored.metrics)
        return f"{card.title} ({protocol}): {result_line(scored.metrics)} → {metrics_json}"


if __name__ == "__main__":
    _command.run(main)
