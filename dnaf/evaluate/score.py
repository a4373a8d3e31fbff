"""All metrics of one method over exactly the test pairs."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dnaf import files
from dnaf.config import Evaluate
from dnaf.data.pairs import Pair, pair_id
from dnaf.data.store import ImageStore
from dnaf.errors import ConfigError, DataError, NumericalError
from dnaf.evaluate.frechet import frechet_distance, real_statistics
from dnaf.evaluate.inception import NUM_FEATURES, Inception
from dnaf.evaluate.inputs import TestPairs
from dnaf.evaluate.lpips import Lpips
from dnaf.evaluate.protocol import PROTOCOLS, Protocol
from dnaf.evaluate.psnr import l1, psnr
from dnaf.evaluate.results import Results, require_size
from dnaf.evaluate.ssim import ssim, window_side
from dnaf.evaluate.statistics import bootstrap_interval
from dnaf.images import Pixels, Size
from dnaf.progress import track

_MIN_SIZE = 31  # AlexNet's last pooling has nothing left of smaller images
_PACKAGES = ("numpy", "scipy", "pillow", "opencv-python", "torch", "torchvision", "lpips", "pytorch-fid")


@dataclass(frozen=True)
class Score:
    """A method's metrics.

    Attributes:
        metrics: flat numbers, with `<name>_low` and `<name>_high` around the means, and one nested block
            `protocol` that says how they came about; JSON-able.
        table: one row a pair, columns `source`, `target` and the metrics that are means.
    """

    metrics: dict[str, Any]
    table: pd.DataFrame


def score(
    results: Results,
    test: TestPairs,
    prepared: ImageStore,
    size: Size,
    params: Evaluate,
    root_seed: int,
    device: torch.device,
) -> Score:
    """Scores each pair once, whatever the batch size.

    Args:
        prepared: the ground truth, `<target stem>.png`.
        size: what every image must have, (height, width).

    Raises:
        ConfigError: the size is too small for the networks.
        DataError: an image of another size; a model's image of one colour or equal to its ground truth; wrong
            weights.
        NumericalError: a metric is NaN or infinite.
        StateError: an image is missing or damaged.
    """
    if min(size) < _MIN_SIZE:
        raise ConfigError(
            f"params.yaml: datasets: images too small to score (found {size[0]}x{size[1]}, expected at least "
            f"{_MIN_SIZE} pixels a side). Choose a larger height and width."
        )
    pairs = test.pairs
    protocol = PROTOCOLS[params.protocol]
    lpips = Lpips(protocol.lpips_net, True, _path(params.alexnet_weights)).to(device)
    inception = Inception("fid", _path(params.inception_weights)).to(device)
    with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
        table, hashes = _compare_pixels(results, pairs, prepared, size, protocol)
        distances = _lpips_distances(lpips, results, pairs, prepared, params.batch_size)
        table.insert(2, _metric("lpips", lpips), distances)
        fid = _fid(inception, results, pairs, prepared, hashes, params.batch_size)
    metrics: dict[str, Any] = {_metric("fid", inception): fid}
    metrics |= _means(table, results, test, params.num_bootstrap, root_seed)
    if results.wrong_source:
        metrics["wrong_source_increase"] = metrics["l1_wrong_source"] / metrics["l1"] - 1
    metrics |= {"num_pairs": len(table), "num_expected": len(pairs)}
    provenance = _provenance(results, pairs, prepared, size, protocol, params, root_seed)
    provenance["weights"] = {"inception": inception.provenance, "alexnet": lpips.provenance}
    metrics["protocol"] = [provenance]  # a list: see `inputs.absent`
    return Score(metrics, table)


def _path(weights: str | None) -> Path | None:
    return Path(weights) if weights else None


def _metric(name: str, network: Lpips | Inception) -> str:
    return f"{name}_random" if network.is_random else name


@dataclass(frozen=True)
class _Hashes:
    """Digests of the pixels of each pair's images; equal images are put through the network once."""

    real: list[bytes]
    generated: list[bytes]


def _compare_pixels(
    results: Results, pairs: Sequence[Pair], prepared: ImageStore, size: Size, protocol: Protocol
) -> tuple[pd.DataFrame, _Hashes]:
    """Checks every image and computes what needs no network."""
    rows: list[dict[str, Any]] = []
    hashes = _Hashes([], [])
    constant: list[str] = []
    copied: list[str] = []
    for pair in track(pairs, "comparing pixels", len(pairs)):
        real = prepared.image(f"{pair[1]}.png")
        generated = results.generated(pair)
        require_size(real, size, f"{prepared.path}: {pair[1]}.png")
        require_size(generated, size, f"{results.where}: {pair_id(*pair)}")
        if (generated == generated[0, 0]).all():
            constant.append(pair_id(*pair))
        if (generated == real).all():
            copied.append(pair_id(*pair))
        row = {"source": pair[0], "target": pair[1], **_pixel_metrics(real, generated, protocol)}
        if results.wrong_source:
            wrong = results.wrong_source(pair)
            require_size(wrong, size, f"{results.where}: {pair_id(*pair)}, wrong source")
            row["l1_wrong_source"] = l1(real, wrong)
        rows.append(row)
        hashes.real.append(_hash(real))
        hashes.generated.append(_hash(generated))
    for names, fault in ((constant, "has one colour"), (copied, "equals its ground truth")):
        if names and results.by_a_model:
            raise DataError(
                f"{results.where}: {names[0]}: the generated image {fault} ({len(names):,} of {len(pairs):,} "
                "such). Find out why before it is scored; nothing was written."
            )
    return pd.DataFrame(rows), hashes


def _pixel_metrics(real: Pixels, generated: Pixels, protocol: Protocol) -> dict[str, float]:
    metrics = {}
    if min(real.shape[:2]) >= window_side("uniform51"):
        metrics["ssim"] = ssim(real, generated, "uniform51")
    metrics["ssim_gaussian"] = ssim(real, generated, "gaussian", protocol.ssim_sigma)
    metrics["psnr"] = min(psnr(real, generated), protocol.psnr_max)
    metrics["l1"] = l1(real, generated)
    return metrics


def _hash(image: Pixels) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


def _lpips_distances(
    lpips: Lpips, results: Results, pairs: Sequence[Pair], prepared: ImageStore, batch_size: int
) -> NDArray[np.float64]:
    distances = []
    for batch in _batches(pairs, batch_size, _metric("lpips", lpips)):
        real = np.stack([prepared.image(f"{target}.png") for _, target in batch])
        distances.append(lpips.distances(real, np.stack([results.generated(pair) for pair in batch])))
    return np.concatenate(distances)


def _fid(
    inception: Inception,
    results: Results,
    pairs: Sequence[Pair],
    prepared: ImageStore,
    hashes: _Hashes,
    batch_size: int,
) -> float:
    """Distance between the distinct targets and one generated image a pair."""
    read: dict[bytes, Callable[[], Pixels]] = {}
    for pair, real, generated in zip(pairs, hashes.real, hashes.generated, strict=True):
        read[real] = partial(prepared.image, f"{pair[1]}.png")
        read[generated] = partial(results.generated, pair)
    features = np.empty((len(read), NUM_FEATURES), np.float32)
    row_of = {image_hash: row for row, image_hash in enumerate(read)}
    for batch in _batches(list(read), batch_size, _metric("fid", inception)):
        rows = [row_of[image_hash] for image_hash in batch]
        features[rows] = inception.features(np.stack([read[image_hash]() for image_hash in batch]))
    real_of_target = {target: row_of[real] for (_, target), real in zip(pairs, hashes.real, strict=True)}
    real_features = features[list(real_of_target.values())]
    return frechet_distance(real_statistics(real_features), features[[row_of[h] for h in hashes.generated]])


def _batches(items: Sequence[Any], batch_size: int, description: str) -> Iterator[Sequence[Any]]:
    starts = range(0, len(items), batch_size)
    for start in track(starts, f"{description} (batches)", len(starts)):
        yield items[start : start + batch_size]


def _means(
    table: pd.DataFrame, results: Results, test: TestPairs, num_bootstrap: int, root_seed: int
) -> dict[str, float]:
    means: dict[str, float] = {}
    for name in table.columns.drop(["source", "target"]):
        values = table[name].to_numpy(np.float64)
        if not np.isfinite(values).all():
            worst = pair_id(*test.pairs[int(np.argmin(np.isfinite(values)))])
            raise NumericalError(
                f"{results.where}: {worst}: {name} is not finite. Check the weights; nothing was written."
            )
        means[name] = float(values.mean())
        if num_bootstrap:
            means[f"{name}_low"], means[f"{name}_high"] = bootstrap_interval(
                values, test.outfits, num_bootstrap, root_seed, name
            )
    return means


def _provenance(
    results: Results,
    pairs: Sequence[Pair],
    prepared: ImageStore,
    size: Size,
    protocol: Protocol,
    params: Evaluate,
    root_seed: int,
) -> dict[str, Any]:
    targets = sorted({target for _, target in pairs})
    return {
        **dataclasses.asdict(protocol),
        "image_size": f"{size[0]}x{size[1]}",
        "pairs_sha256": results.pairs_sha256,
        "real_set": {
            "count": len(targets),
            "sha256": files.fingerprint([[target, prepared.digest(f"{target}.png")] for target in targets]),
        },
        "fid_rank_deficient": len(targets) <= NUM_FEATURES,
        "bootstrap": {"num_resamplings": params.num_bootstrap, "seed": root_seed},
        "results": results.info,
        "versions": {package: version(package) for package in _PACKAGES},
    }
