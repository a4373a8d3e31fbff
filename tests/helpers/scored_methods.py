"""What `evaluate` writes of some methods under a protocol, made up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dnaf.core.seals import write_sealed, write_sealed_json
from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.submissions.method_card import read_card
from dnaf.report.methods import MethodMetrics
from dnaf.report.scores import Scores
from tests.helpers.evaluation_project import DNAF_CARD, ROOT

NUM_EXPECTED = 6
OUTFITS = ["a", "a", "b", "b", "c", "c"]
CARDS = {path.parent.name: read_card(path) for path in ROOT.glob("data/results/*/card.yaml")}
CARDS["dnaf"] = read_card(DNAF_CARD)
UNPUBLISHED = {method: card.model_copy(update={"published": []}) for method, card in CARDS.items()}


def block(name: str = "cfld", **changes: Any) -> dict[str, Any]:
    """How a method's numbers came about."""
    made = {
        "name": name,
        "title": f"The test script of {name}",
        "image_size": "64x48",
        "pairs_sha256": "abc",
        "real_set": {"description": "training images", "count": 500, "of": 48674, "sha256": "def"},
        "weights": {"inception": "random, seed 0", "alexnet": "7be5be791159472b1fbf8c69"},
        "bootstrap": {"num_resamplings": 200, "seed": 0},
        "interval": "95 % bootstrap over outfits",
        "unit": "outfit",
        "dropped": {},
        "fid_rank_deficient": True,
        "results": {"file_type": "png"},
    }
    return made | changes


def present(method: str, values: Mapping[str, float], name: str = "cfld", **changes: Any) -> MethodMetrics:
    """A method with results; `changes` are of its protocol block."""
    numbers = {**values, "num_pairs": NUM_EXPECTED, "num_expected": NUM_EXPECTED}
    return MethodMetrics(method, numbers, block(name, **changes))


def absent(method: str, name: str = "cfld") -> MethodMetrics:
    return MethodMetrics(method, {"num_pairs": 0, "num_expected": NUM_EXPECTED}, {"name": name})


def with_interval(key: str, value: float, half_width: float) -> dict[str, float]:
    return {key: value, f"{key}_low": value - half_width, f"{key}_high": value + half_width}


def write(folder: Path, row: MethodMetrics, scores: Scores, pairs: list[Pair]) -> None:
    """Writes a method's metrics and scores below a project's root."""
    place = f"{row.protocol['name']}/{row.method}"
    write_sealed_json(folder / "data/scores" / f"{place}.json", {**row.numbers, "protocol": row.protocol})
    listed = pairs if row.is_present else []
    table = pd.DataFrame(
        {"source": [source for source, _ in listed], "target": [target for _, target in listed], **scores}
    )
    write_sealed(folder / "data/scores" / f"{place}.csv", table.to_csv(index=False))


def array(*values: float) -> Any:
    return np.array(values, np.float64)
