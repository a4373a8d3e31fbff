"""All metrics of one method under one protocol, over exactly the test pairs."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, get_args

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dnaf.core import config
from dnaf.core.errors import ConfigError, NumericalError
from dnaf.core.images import Size
from dnaf.core.shards import Shards
from dnaf.core.workers import chunked
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.evaluate.batch_networks import BatchFeatures, Networks
from dnaf.evaluate.comparison import Comparer, Masks
from dnaf.evaluate.inspection import Inspector
from dnaf.evaluate.metrics.bootstrap import bootstrap_interval, ratio_interval
from dnaf.evaluate.metrics.metric import PairMetric, PairNetwork, RatioMetric, TableMetric
from dnaf.evaluate.metrics.psnr import PSNR_MAX
from dnaf.evaluate.metrics.registry import COLUMNS, METRICS
from dnaf.evaluate.networks.features import FeatureNetwork
from dnaf.evaluate.protocols.protocol import LastBatch, Protocol
from dnaf.evaluate.protocols.view import compared_size
from dnaf.evaluate.real_images import RealImages
from dnaf.evaluate.reference import ReferenceSet, num_kept
from dnaf.evaluate.set_distances import set_distances
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.evaluate.submissions.open import Results

_MIN_SIZE = 31  # AlexNet's last pooling has nothing left of smaller images
_PACKAGES = ("numpy", "scipy", "pillow", "opencv-python", "torch", "torchvision", "lpips", "pytorch-fid")
_PAIR_COLUMNS = ["source", "target"]
_LAST_BATCH = {column.key: column.last_batch for column in COLUMNS}


@dataclass(frozen=True)
class Score:
    """A method's metrics.

    Attributes:
        metrics: flat numbers, with `<name>_low` and `<name>_high` around them, and one nested block
            `protocol` that says how they came about; JSON-able.
        table: one row a pair, columns `source`, `target` and the metrics that are means.
    """

    metrics: dict[str, Any]
    table: pd.DataFrame


@dataclass(frozen=True)
class ReferenceData:
    """What is the same for all methods: the real images, and the reference set's features by network."""

    images: RealImages
    sets: dict[str, ReferenceSet]
    info: dict[str, Any]


@dataclass(frozen=True)
class Extras:
    """What only some data sets and methods have.

    Attributes:
        masks: of the person in every target, for a data set whose metrics leave the background out.
        counts: further columns of the table of all pairs (N), of which metrics follow.
        detectors: what found some of them, see `detections.Detections`.
        unit: what is resampled, see `Format.unit`.
        metrics: the user's own.
    """

    masks: Masks | None = None
    counts: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    detectors: Mapping[str, str] = field(default_factory=dict)
    unit: str = "outfit"
    metrics: Sequence[PairMetric] = ()


def score(
    results: Results,
    test: TestPairs,
    reference: ReferenceData,
    extras: Extras,
    protocol: Protocol,
    networks: Networks,
    params: config.Evaluate,
    root_seed: int,
    shards: Shards,
) -> Score | None:
    """Scores each pair once, whatever the batch size and the number of processes.

    Returns:
        None in all processes but the first.

    Raises:
        ConfigError: the size is too small for the metrics.
        DataError: a model's image of one colour, or nearly equal to its ground truth, its source or another.
        NumericalError: a metric is NaN or infinite.
        StateError: an image is missing or damaged, or reference and networks have other weights.
    """
    require_large_enough(protocol, reference.images.size)
    # Pairs of one target together, for its ground truth to be decoded, resized and looked at once.
    pairs = sorted(test.pairs, key=lambda pair: pair[1])
    first: dict[str, Pair] = {}
    for pair in pairs:
        first.setdefault(results.image_name(pair), pair)
    real = reference.images
    inspector = Inspector(results, real.prepared, real.size) if results.by_a_model else None
    of_pairs = [metric for metric in (*METRICS, *extras.metrics) if isinstance(metric, PairMetric)]
    comparer = Comparer(results, real, protocol, inspector, of_pairs, extras.masks, first)
    with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
        batches = shards.run(
            chunked(pairs, params.batch_size), comparer, networks.features_of, "Scoring pairs"
        )
    if shards.index > 0:
        return None
    info = dict(results.info)
    if inspector:
        scored = [pair for chunk in batches for pair in chunk.batch.pairs]
        info |= inspector.judge(scored, [each for chunk in batches for each in chunk.batch.inspections])
    row_of = {
        pair: row for chunk in batches for pair, row in zip(chunk.batch.pairs, chunk.batch.rows, strict=True)
    }
    table = pd.DataFrame([{"source": pair[0], "target": pair[1], **row_of[pair]} for pair in test.pairs])
    kept = num_kept(len(test.pairs), protocol.fid_batch)
    features = {
        key: _features_of_pairs(key, results, test.pairs[:kept], batches) for key in networks.features
    }
    metrics: dict[str, Any] = set_distances(
        networks.features, reference.sets, features, test.outfits[:kept], params.num_bootstrap, root_seed
    )
    metrics |= _means(table, results, test, protocol, params.num_bootstrap, root_seed)
    for name, values in extras.counts.items():
        table[name] = values
    metrics |= _of_table(table, test, params.num_bootstrap, root_seed)
    metrics |= {"num_pairs": len(table), "num_expected": len(test.pairs)}
    metrics["protocol"] = _provenance(info, extras, test, reference, protocol, networks, params, root_seed)
    return Score(metrics, table)


def require_large_enough(protocol: Protocol, size: Size) -> None:
    """Checks that the protocol can compare images of the data set's size.

    Raises:
        ConfigError: they are too small.
    """
    for view in filter(None, (protocol.pixels, protocol.networks)):
        height, width = compared_size(view, size)
        if min(height, width) < _MIN_SIZE:
            raise ConfigError(
                f"params.yaml: datasets: images too small to score (found {height}x{width}, expected at "
                f"least {_MIN_SIZE} pixels a side). Choose a larger height and width."
            )


def _features_of_pairs(
    key: str, results: Results, pairs: Sequence[Pair], batches: Sequence[BatchFeatures]
) -> NDArray[np.float32]:
    """One row a pair (N, D), from one row an image."""
    features = np.concatenate([chunk.features[key] for chunk in batches if key in chunk.features])
    if not np.isfinite(features).all():
        raise NumericalError(
            f"{results.where}: features of {key} are not finite. Check the weights; nothing was written."
        )
    row_of: dict[str, int] = {}
    for chunk in batches:
        for pair, is_new in zip(chunk.batch.pairs, chunk.batch.is_new, strict=True):
            if is_new:
                row_of[results.image_name(pair)] = len(row_of)
    return features[[row_of[results.image_name(pair)] for pair in pairs]]


def _means(
    table: pd.DataFrame,
    results: Results,
    test: TestPairs,
    protocol: Protocol,
    num_bootstrap: int,
    root_seed: int,
) -> dict[str, float]:
    means: dict[str, float] = {}
    for name in table.columns.drop(_PAIR_COLUMNS):
        values = table[name].to_numpy(np.float64)
        if not np.isfinite(values).all():
            worst = pair_id(*test.pairs[int(np.argmin(np.isfinite(values)))])
            raise NumericalError(
                f"{results.where}: {worst}: {name} is not finite. Check the weights; nothing was written."
            )
        kept = num_kept(len(values), protocol.batch(_LAST_BATCH.get(name)))
        means[name] = float(values[:kept].mean())
        if num_bootstrap:
            means[f"{name}_low"], means[f"{name}_high"] = bootstrap_interval(
                values[:kept], test.outfits[:kept], num_bootstrap, root_seed, name
            )
    return means


def _of_table(table: pd.DataFrame, test: TestPairs, num_bootstrap: int, root_seed: int) -> dict[str, float]:
    """The metrics that follow from several columns, where these are there."""
    columns = {name: table[name].to_numpy(np.float64) for name in table.columns.drop(_PAIR_COLUMNS)}
    found: dict[str, float] = {}
    for metric in METRICS:
        if isinstance(metric, TableMetric) and set(metric.needs) <= columns.keys():
            found[metric.column.key] = metric.measure(*(columns[name] for name in metric.needs))
        elif isinstance(metric, RatioMetric) and {metric.numerator, metric.denominator} <= columns.keys():
            key, terms = metric.column.key, (columns[metric.numerator], columns[metric.denominator])
            if not terms[1].any():
                continue
            found[key] = float(terms[0].sum() / terms[1].sum())
            if num_bootstrap:
                ends = ratio_interval(*terms, test.outfits, num_bootstrap, root_seed, key)
                found[f"{key}_low"], found[f"{key}_high"] = ends
    return found


def _provenance(
    info: dict[str, Any],
    extras: Extras,
    test: TestPairs,
    reference: ReferenceData,
    protocol: Protocol,
    networks: Networks,
    params: config.Evaluate,
    root_seed: int,
) -> dict[str, Any]:
    num_pairs = len(test.pairs)
    batches = {key: protocol.batch(key) for key in get_args(LastBatch)}
    if extras.masks is None:
        del batches["lpips_masked_batch"]
    dropped = {
        key.removesuffix("_batch"): num_pairs - num_kept(num_pairs, batch) for key, batch in batches.items()
    }
    size = compared_size(protocol.pixels, reference.images.size)
    every: dict[str, FeatureNetwork | PairNetwork] = {**networks.features, **networks.pairs}
    real_set = {key: reference.info[key] for key in ("count", "of", "sha256")} if networks.features else None
    return {
        **dataclasses.asdict(protocol),
        "image_size": f"{size[0]}x{size[1]}",
        "psnr_max": PSNR_MAX,
        "pairs_sha256": test.sha256,
        "real_set": real_set and {"description": protocol.fid_real, **real_set},
        "dropped": {name: number for name, number in dropped.items() if number},
        "fid_rank_deficient": bool(networks.features) and min(reference.info["count"], num_pairs) <= 2048,
        "interval": f"95 % bootstrap over {extras.unit}s",
        "unit": extras.unit,
        "bootstrap": {
            "num_resamplings": params.num_bootstrap,
            "seed": root_seed,
        },
        "results": info,
        "weights": {name: network.provenance for name, network in every.items()},
        "versions": {package: version(package) for package in _PACKAGES},
        **({"detectors": dict(extras.detectors)} if extras.detectors else {}),
    }
