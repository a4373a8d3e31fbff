"""The metrics of all methods under each protocol, as `evaluate` wrote them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnaf.core.errors import StateError
from dnaf.core.seals import read_sealed_json

# Under one protocol, two methods' numbers are comparable only if all of this agrees.
_COMPARABLE = ("image_size", "pairs_sha256", "real_set", "weights", "bootstrap")


@dataclass(frozen=True)
class MethodMetrics:
    """One method's metrics under one protocol.

    Attributes:
        numbers: the flat part; `num_pairs` and `num_expected` always, the rest only of a present method.
        protocol: how the numbers came about; of an absent method the protocol's name alone.
    """

    method: str
    numbers: dict[str, float]
    protocol: dict[str, Any]

    @property
    def is_present(self) -> bool:
        return self.numbers["num_pairs"] > 0


def read_metrics(protocol: str, method: str, folder: Path) -> MethodMetrics:
    """Reads `<folder>/<protocol>/<method>.json`.

    Raises:
        StateError: missing, not as `evaluate` wrote it, or the numbers of another protocol.
    """
    path = _path(protocol, method, folder)
    content = read_sealed_json(path, "evaluate")
    if not isinstance(content, dict) or not {"num_pairs", "num_expected", "protocol"} <= content.keys():
        raise StateError(f"{path}: not metrics of a method. Run evaluate again.")
    numbers = {name: value for name, value in content.items() if name != "protocol"}
    metrics = MethodMetrics(method, numbers, content["protocol"])
    if metrics.protocol.get("name") != protocol:
        raise StateError(
            f"{path}: numbers of another protocol (found {metrics.protocol.get('name')}, expected "
            f"{protocol}). Run evaluate again."
        )
    return metrics


def read_comparable(protocol: str, methods: Sequence[str], folder: Path) -> list[MethodMetrics]:
    """Reads several methods' metrics under one protocol, in this order.

    Raises:
        StateError: a file is missing, or two methods were scored in different ways.
    """
    rows = [read_metrics(protocol, method, folder) for method in methods]
    present = [row for row in rows if row.is_present]
    for row in present[1:]:
        for key in _COMPARABLE:
            if row.protocol.get(key) != present[0].protocol.get(key):
                raise StateError(
                    f"{_path(protocol, row.method, folder)}: not comparable with {present[0].method} ({key}: "
                    f"found {row.protocol.get(key)}, expected {present[0].protocol.get(key)}). "
                    "Run evaluate again."
                )
    return rows


def rounded(value: float) -> float:
    """Six significant digits: in further ones two processors differ even where nothing was trained."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _path(protocol: str, method: str, folder: Path) -> Path:
    return folder / protocol / f"{method}.json"
