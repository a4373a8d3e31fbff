"""What needs no network: each pair's images in the protocol's form, checked and compared pixel by pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnaf.core.errors import ConfigError
from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.inspection import NEAR, Inspection, Inspector
from dnaf.evaluate.metrics.metric import ComparedPair, PairMetric
from dnaf.evaluate.protocols.protocol import Protocol
from dnaf.evaluate.protocols.resample import Image
from dnaf.evaluate.protocols.view import view_generated
from dnaf.evaluate.real_images import RealImages
from dnaf.evaluate.submissions.open import Results

Masks = Mapping[str, NDArray[np.bool_]]  # of the person in each target, (H, W)


@dataclass(frozen=True)
class Comparison:
    """Some pairs, compared.

    Attributes:
        rows: pixel metrics of each pair.
        inspections: of each generated image of a model; empty for those of none.
        real, generated: what the networks see, (B, H, W, 3); None where the protocol has no networks.
        masks: bool (B, H, W), where there are any.
        is_new: for each pair, whether no earlier one has the same image.
    """

    pairs: Sequence[Pair]
    rows: list[dict[str, float]]
    inspections: list[Inspection]
    real: NDArray[Any] | None
    generated: NDArray[Any] | None
    masks: NDArray[np.bool_] | None
    is_new: NDArray[np.bool_]


@dataclass(frozen=True)
class Comparer:
    """Compares pairs under a protocol; called by several threads at once.

    Attributes:
        inspector: of a model's images; None for methods without a model, whose images are copies.
        metrics: of single pairs, without a network.
        masks: of every target, or None for a data set whose metrics have no masks.
        first: the first pair of each image name, see `results.Results.image_name`.
    """

    results: Results
    real: RealImages
    protocol: Protocol
    inspector: Inspector | None
    metrics: Sequence[PairMetric]
    masks: Masks | None
    first: Mapping[str, Pair]

    def __call__(self, pairs: Sequence[Pair]) -> Comparison:
        """Compares each pair once.

        Raises:
            ConfigError: a metric gives other numbers than it has columns.
            DataError: a generated image cannot be read or has a wrong size.
            StateError: an image of the data set is missing or damaged.
        """
        rows, inspections = [], []
        real_seen, generated_seen = [], []
        networks = self.protocol.networks
        for pair in pairs:
            image = self.results.generated(pair)
            real = self.real.view(pair[1], self.protocol.pixels)
            generated = view_generated(image, self.protocol.pixels, self.real.size)
            rows.append(self._metrics(pair, real, generated))
            if self.inspector:
                inspections.append(self.inspector.inspect(pair, image, rows[-1]["psnr"] > NEAR))
            if networks == self.protocol.pixels:
                real_seen.append(real)
                generated_seen.append(generated)
            elif networks is not None:
                real_seen.append(self.real.view(pair[1], networks))
                generated_seen.append(view_generated(image, networks, self.real.size))
        masks = None if self.masks is None else np.stack([self.masks[target] for _, target in pairs])
        is_new = np.array([self.first[self.results.image_name(pair)] == pair for pair in pairs])
        return Comparison(pairs, rows, inspections, _stack(real_seen), _stack(generated_seen), masks, is_new)

    def _metrics(self, pair: Pair, real: Image, generated: Image) -> dict[str, float]:
        mask = None if self.masks is None else self.masks[pair[1]]
        wrong = None
        if self.results.wrong_source is not None:
            wrong = view_generated(self.results.wrong_source(pair), self.protocol.pixels, self.real.size)
        compared = ComparedPair(real, generated, self.protocol, mask, wrong)
        found: dict[str, float] = {}
        for metric in self.metrics:
            values = metric.measure(compared)
            if not values.keys() <= set(metric.keys):
                raise ConfigError(
                    f"params.yaml: own.metrics: a metric gives other numbers than it has columns (found "
                    f"{', '.join(values)}, expected {', '.join(metric.keys)}). See docs/extending.md."
                )
            found |= values
        return found


def _stack(images: list[Image]) -> NDArray[Any] | None:
    return np.stack(images) if images else None
