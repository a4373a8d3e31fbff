"""The metrics of all methods under each protocol, as `evaluate` wrote them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnaf.core.errors import StateError, short
from dnaf.core.seals import read_sealed_json

# Two methods' numbers are comparable only if all of the block `protocol` agrees: the causes, before what
# follows from them, and without words and what is of one method alone.
_CAUSES = ("name", "image_size", "pairs_sha256", "real_set", "weights", "bootstrap")
_NOT_COMPARED = ("results", "versions", "elsewhere", "title", "source", "detectors")


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

    @property
    def elsewhere(self) -> Mapping[str, Any] | None:
        """Who computed the numbers, if they were not computed here: see `result_file.Origin`."""
        found: Mapping[str, Any] | None = self.protocol.get("elsewhere")
        return found


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
    if not present:
        return rows
    first = next((row for row in present if not row.elsewhere), present[0])
    _require_same_detectors(present, protocol, folder)
    for row in present:
        if found := difference(row.protocol, first.protocol):
            advice = "Run evaluate again."
            if row.elsewhere:
                advice = f"Remove data/results/{row.method}/merged, or have the method scored as it is here."
            raise StateError(
                f"{_path(protocol, row.method, folder)}: not comparable with {first.method} ({found}). "
                f"{advice}"
            )
    return rows


def _require_same_detectors(rows: Sequence[MethodMetrics], protocol: str, folder: Path) -> None:
    """Not all methods need have been looked at by detectors; those that were, by the same ones."""
    first: dict[str, tuple[str, str]] = {}
    for row in rows:
        for purpose, name in row.protocol.get("detectors", {}).items():
            other, expected = first.setdefault(purpose, (row.method, name))
            if name != expected:
                raise StateError(
                    f"{_path(protocol, row.method, folder)}: not comparable with {other} "
                    f"(detectors.{purpose}: found {short(name)}, expected {short(expected)}). "
                    "Run detect of both with the same files."
                )


def difference(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    """Why numbers of two blocks `protocol` are not comparable, for an error; None if they are."""
    for key in dict.fromkeys([*_CAUSES, *expected, *found]):
        if key not in _NOT_COMPARED and found.get(key) != expected.get(key):
            return _inner_difference(key, found.get(key), expected.get(key))
    return None


def _inner_difference(key: str, found: Any, expected: Any) -> str:
    """The innermost key by which two values differ, with what both have there."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for inner in [*expected, *found]:
            if found.get(inner) != expected.get(inner):
                return _inner_difference(f"{key}.{inner}", found.get(inner), expected.get(inner))
    return f"{key}: found {short(found)}, expected {short(expected)}"


def rounded(value: float) -> float:
    """Six significant digits: in further ones two processors differ even where nothing was trained."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _path(protocol: str, method: str, folder: Path) -> Path:
    return folder / protocol / f"{method}.json"
