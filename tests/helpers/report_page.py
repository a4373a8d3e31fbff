"""What a report page shows, made up."""

from pathlib import Path

import numpy as np

from dnaf.data.pairs.pairs import Pair
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.open import DataSet
from dnaf.report.board import Board, compare
from dnaf.report.loss_curve import LossCurve
from dnaf.report.page.page import Content
from dnaf.report.panels import Panel
from dnaf.report.tables.strata import Partition
from tests.helpers.evaluation_project import SIZE, random_image
from tests.helpers.scored_methods import CARDS, absent, present, with_interval

METHODS = ("dnaf", "copy_source", "pidm")
GARMENTS = ("WOMENDresses", "MENShirts_Polos", "WOMENDenim")
MADE_BY = {
    "results": {
        "model": "0123abcd" * 8,
        "seed": 7,
        "params": {"scheduler": "ddim", "num_inference_steps": 4},
    }
}
LABELS = ("Pose", "Source", "Target", "DNAF", "PIDM")


def demo_pairs(num_outfits: int = 8) -> list[Pair]:
    """Three pairs an outfit, of three kinds of garments in turn."""
    pairs = []
    for outfit in range(num_outfits):
        front, side, back = (
            f"fashion{GARMENTS[outfit % 3]}id{outfit:08d}01_{view}" for view in ("1front", "2side", "3back")
        )
        pairs += [(front, side), (front, back), (back, front)]
    return pairs


def board_of(protocol: str, num_pairs: int, seed: int) -> Board:
    """Three methods with scores of each pair, one absent."""
    generator = np.random.default_rng(seed)
    scores = {
        method: {"ssim": generator.random(num_pairs), "l1": generator.random(num_pairs)} for method in METHODS
    }
    rows = [
        present(
            method,
            {
                key: value
                for name, values in scores[method].items()
                for key, value in with_interval(name, float(values.mean()), 0.05).items()
            },
            protocol,
            **(MADE_BY if method == "dnaf" else {}),
        )
        for method in METHODS
    ]
    outfits = [str(pair // 3) for pair in range(num_pairs)]
    return compare(protocol, [*rows, absent("gfla", protocol)], scores, outfits)


def made_up(
    folder: Path,
    pairs: list[Pair] | None = None,
    format_name: str = "deepfashion",
    dataset: str = "demo",
    cards: dict[str, Card] = CARDS,
) -> Content:
    """Two protocols, three methods, images that differ from panel to panel.

    Args:
        folder: where an image store may be written.
    """
    pairs = demo_pairs() if pairs is None else pairs
    with write_store(folder / "prepared.zip", {}):
        pass
    test = TestPairs(pairs, [source for source, _ in pairs], "")
    panels = [
        Panel(label if method is None else cards[method].title, method, images_of(label))
        for label, method in zip(LABELS, (None, "copy_source", None, "dnaf", "pidm"), strict=True)
    ]
    panels[1] = Panel("Source", "copy_source", panels[1].image)
    return Content(
        dataset,
        DataSet(format_name, SIZE, test, folder / "train_images.csv", ImageStore(folder / "prepared.zip")),
        [board_of(name, len(pairs), seed) for seed, name in enumerate(("cfld", "gfla"))],
        cards,
        [
            Partition(
                "Item", ["never in training", "in training too"][: len(pairs)], np.arange(len(pairs)) % 2
            )
        ],
        panels,
        LossCurve([10, 20, 30], [0.5, 0.3, 0.2], 10),
    )


def images_of(label: str):  # type: ignore[no-untyped-def]
    """What a panel shows of a pair."""
    return lambda pair: random_image(f"{label} of {pair}")
