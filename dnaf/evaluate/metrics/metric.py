"""What a metric is: its columns in the tables, how they are read, and what computes them.

A metric says all this once, in its own file. `registry.py` lists the metrics; tables, page, summary and
documentation take their columns from there. docs/extending.md has a worked example.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from dnaf.core.config import WeightFiles
from dnaf.evaluate.protocols import protocol as protocols
from dnaf.evaluate.protocols.resample import Image

Values = NDArray[np.float64]
Features = NDArray[np.float32]

_RANDOM = "_random"


@dataclass(frozen=True)
class Column:
    """One number of a metric.

    Attributes:
        key: its name in the metrics files; `<key>_low` and `<key>_high` are the ends of its interval.
        name: what the tables call it.
        spec: Python's format of a value.
        better: which values are better; None for what is no measure of quality.
        about: what it is, for docs/protocols.md.
        details: what the label says in brackets.
        unit: of its values, empty for a number without one.
        weights: keys of params.yaml's section `weights`, one of which it needs.
        can_be_random: whether, without them, a network with seeded random weights computes `<key>_random`.
        last_batch: key of the protocol for scripts that leave out the last batch of it.
        is_main: whether it is in metrics/summary.json and in the line that `evaluate` prints.
        is_published: whether papers print it, so that a card may hold published values.
        note: how to read it, below the tables that have it; `{unit}` is an outfit or a person.

    Raises:
        ValueError: the key or the format is none.
    """

    key: str
    name: str
    spec: str
    better: Literal["higher", "lower"] | None
    about: str
    details: tuple[str, ...] = ()
    unit: str = ""
    weights: tuple[str, ...] = ()
    can_be_random: bool = False
    last_batch: protocols.LastBatch | None = None
    is_main: bool = False
    is_published: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z][a-z0-9_]*", self.key) or self.key.endswith(("_low", "_high")):
            raise ValueError(
                f"key {self.key!r} (expected small letters, digits and _, and no end of an interval)"
            )
        if not re.fullmatch(r"\+?\.\d+[f%]", self.spec):
            raise ValueError(f"spec {self.spec!r} (expected one like .4f)")

    @property
    def title(self) -> str:
        return f"{self.name}, {self.unit}" if self.unit else self.name

    @property
    def label(self) -> str:
        return f"{self.title} ({', '.join(self.details)})" if self.details else self.title

    @property
    def num_digits(self) -> int:
        """How many digits behind the point the tables show of a value: those of its format, `.4f`."""
        return int(self.spec.strip("+.f%"))

    @property
    def is_random(self) -> bool:
        """Whether its network has seeded random weights instead of trained ones."""
        return self.key.endswith(_RANDOM)

    def text(self, value: float) -> str:
        """A value as the tables show it."""
        return format(value, self.spec).replace("%", " %")

    def of_random_network(self) -> Self:
        return replace(self, key=named(self.key, True), details=(*self.details, "random network"))


def named(key: str, is_random: bool) -> str:
    """A column's key, which says whether the network has random weights instead of trained ones."""
    return f"{key}{_RANDOM}" if is_random else key


@dataclass(frozen=True)
class ComparedPair:
    """What a metric of single pairs sees.

    Attributes:
        real, generated: the target and a method's image (H, W, 3) as the protocol compares them: uint8, or
            float32 of levels 0 to 255.
        mask: bool (H, W), the person in the target; None unless the data set's metrics leave the background
            out.
        wrong_source: what the method makes of the source of another outfit; None if it was not asked.
    """

    real: Image
    generated: Image
    protocol: protocols.Protocol
    mask: NDArray[np.bool_] | None = None
    wrong_source: Image | None = None


@dataclass(frozen=True)
class PairMetric:
    """A number of each pair, whose mean and interval are the metric.

    Attributes:
        measure: the numbers of a pair by key, finite; without those that it has not. Several threads call it.
        hidden: further keys of `measure`, which no table shows.
    """

    columns: tuple[Column, ...]
    measure: Callable[[ComparedPair], Mapping[str, float]]
    hidden: tuple[str, ...] = ()
    has_interval = True

    @property
    def keys(self) -> tuple[str, ...]:
        """What `measure` may give."""
        return (*(column.key for column in self.columns), *self.hidden)


class PairNetwork(Protocol):
    """A network that compares pairs.

    Attributes:
        is_random: whether its weights are random.
        provenance: sha256 of its weights, or `random, seed N`.
    """

    is_random: bool
    provenance: str

    def to(self, device: Any, /) -> Any: ...

    def distances(
        self,
        real: NDArray[Any],
        generated: NDArray[Any],
        masks: NDArray[np.bool_] | None = None,
        real_of: NDArray[np.intp] | None = None,
    ) -> Values:
        """Of RGB levels (B, H, W, 3); see `networks.lpips.Lpips.distances`."""


@dataclass(frozen=True)
class NetworkMetric:
    """A number of each pair that a network computes, batch by batch.

    Attributes:
        columns: its number; then, if there is one, the same number without the background.
        build: the network, on the CPU; None under a protocol that has no such metric.
    """

    columns: tuple[Column] | tuple[Column, Column]
    build: Callable[[protocols.Protocol, WeightFiles], PairNetwork | None]
    has_interval = True


class RealSet(Protocol):
    """The real images, as a network of `networks.features` sees them; see `reference.ReferenceSet`."""

    @property
    def features(self) -> Features: ...
    @property
    def statistics(self) -> Any: ...
    @property
    def kernel_mean(self) -> float: ...


@dataclass(frozen=True)
class SetMetric:
    """A distance of all generated images from the real ones, in the features of a network.

    Attributes:
        network: its name in `networks.features`.
        measure: of real images and the features (N, D) of generated ones, finite.
        interval: its 95 % interval; outfit of each row, number of resamplings, root seed and key follow.
    """

    column: Column
    network: Literal["inception", "efficientnet_lite0", "dinov2"]
    measure: Callable[[RealSet, Features], float]
    interval: Callable[[RealSet, Features, Sequence[str], int, int, str], tuple[float, float]]
    has_interval = True

    @property
    def columns(self) -> tuple[Column]:
        return (self.column,)


@dataclass(frozen=True)
class TableMetric:
    """A number that follows from several columns of the table of all pairs.

    Attributes:
        needs: the columns (N); it is computed where they are all there.
        measure: of these columns.
    """

    column: Column
    needs: tuple[str, ...]
    measure: Callable[..., float]
    has_interval = False

    @property
    def columns(self) -> tuple[Column]:
        return (self.column,)


@dataclass(frozen=True)
class RatioMetric:
    """The sum of one column of the table of all pairs by the sum of another: of what could be counted.

    Attributes:
        numerator, denominator: the columns (N); where the second sums to 0 there is no number.
    """

    column: Column
    numerator: str
    denominator: str
    has_interval = True

    @property
    def columns(self) -> tuple[Column]:
        return (self.column,)


Metric = PairMetric | NetworkMetric | SetMetric | TableMetric | RatioMetric
