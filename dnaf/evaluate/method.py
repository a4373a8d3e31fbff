"""Scoring one method: opens what its images are compared with, and what compares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnaf.core import config
from dnaf.core.errors import StateError
from dnaf.core.images import Size
from dnaf.core.shards import Shards
from dnaf.data.formats.names import Stem
from dnaf.data.formats.registry import FORMATS
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.store import ImageStore
from dnaf.evaluate.batch_networks import Networks, pair_networks
from dnaf.evaluate.comparison import Masks
from dnaf.evaluate.metrics.body_mask import body_mask
from dnaf.evaluate.metrics.metric import PairMetric
from dnaf.evaluate.metrics.pckh import COUNTS
from dnaf.evaluate.networks.features import feature_networks
from dnaf.evaluate.networks.kept import KeptFeatures
from dnaf.evaluate.protocols.protocol import Protocol
from dnaf.evaluate.real_images import RealImages
from dnaf.evaluate.reference import read_reference
from dnaf.evaluate.score import Extras, ReferenceData, Score, require_large_enough, score
from dnaf.evaluate.submissions.detections import key_of, read_detections
from dnaf.evaluate.submissions.find import DETECTIONS, KEYPOINTS, TestPairs
from dnaf.evaluate.submissions.joints import count_joints, target_keypoints
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.open import DataSet, Results, open_results
from dnaf.evaluate.submissions.result_names import ResultNames


@dataclass(frozen=True)
class Setting:
    """What is the same for all methods.

    Attributes:
        root: the folder `data`.
        size: (height, width) of the data set's prepared images.
        format_name: the data set's format.
        metrics: the user's own.
    """

    root: Path
    protocol: Protocol
    size: Size
    format_name: str
    weights: config.WeightFiles
    params: config.Evaluate
    seed: int
    metrics: Sequence[PairMetric] = ()


def score_method(
    method: str, found: Sequence[Path], card: Card, test: TestPairs, setting: Setting, shards: Shards
) -> Score | None:
    """All metrics of a method; see `score.score`.

    Args:
        found: where its images are, see `inputs.find_results`.
    """
    protocol, root = setting.protocol, setting.root
    require_large_enough(protocol, setting.size)
    prepared = ImageStore(root / "prepared.zip")
    real = RealImages(ImageStore(root / "images.zip"), prepared, setting.size)
    data = DataSet(setting.format_name, setting.size, test, root / "pairs/train_images.csv", prepared)
    results = open_results(method, found, card, data)
    sets, info = read_reference(root / "reference" / protocol.name, protocol)
    features = feature_networks(protocol, setting.weights, root, shards.device)
    networks = Networks(
        {name: KeptFeatures(name, network, protocol) for name, network in features.items()},
        pair_networks(protocol, setting.weights, shards.device),
    )
    for name, network in networks.features.items():
        if name not in sets or sets[name].provenance != network.provenance:
            raise StateError(
                f"{root / 'reference' / protocol.name}: features of other weights of {name} (found "
                f"{sets[name].provenance if name in sets else 'none'}, expected {network.provenance}). "
                "Run reference again."
            )
    extras = _extras(root, method, card.naming, data, results, setting)
    reference = ReferenceData(real, sets, info)
    return score(results, test, reference, extras, protocol, networks, setting.params, setting.seed, shards)


def _extras(
    root: Path, method: str, naming: str | None, data: DataSet, results: Results, setting: Setting
) -> Extras:
    """Market-1501's masks, what was found in a method's images, and what is resampled."""
    test, folder = data.test, root / "results" / method
    has_masks, unit = FORMATS[setting.format_name].has_masks, FORMATS[setting.format_name].unit
    masks: Masks | None = None
    counts: dict[str, NDArray[Any]] = {}
    detectors: dict[str, str] = {}
    if has_masks or (folder / KEYPOINTS).exists():
        targets, frame = target_keypoints(root / "pairs", test)
        masks = _masks(targets, frame, setting.size) if has_masks else None
        if (folder / KEYPOINTS).exists():
            names = ResultNames(setting.format_name, test.pairs, naming)
            joints = count_joints(folder / KEYPOINTS, names, test.pairs, targets, frame)
            counts |= dict(zip(COUNTS, joints.T, strict=True))
    if (folder / DETECTIONS).exists():
        found = read_detections(folder, key_of(results, data))
        counts |= found.counts
        detectors |= found.detectors
    return Extras(masks, counts, detectors, unit, setting.metrics)


def _masks(targets: Mapping[Stem, Points], frame: Size, size: Size) -> Masks:
    """The person in every target: Market-1501's metrics are reported without the background too."""
    scale = np.array([size[1] / frame[1], size[0] / frame[0]])
    return {target: body_mask(points * scale, size) for target, points in targets.items()}
