"""A method's result in one line: its main numbers, and what they are of."""

from collections.abc import Mapping
from typing import Any

from dnaf.evaluate.metrics.registry import COLUMNS

_SHOWN = {column.key for column in COLUMNS if column.is_main}


def result_line(metrics: Mapping[str, Any]) -> str:
    """The numbers under their names in the file, the pairs, and how published images are named and resized.

    Args:
        metrics: what `score.score` gives.
    """
    numbers = [f"{name} {value:.4g}" for name, value in metrics.items() if name in _SHOWN]
    about = [f"{metrics['num_pairs']:,} of {metrics['num_expected']:,} pairs"]
    protocol = metrics["protocol"]
    results = protocol["results"]
    if "naming" in results:
        about.append(f"names {results['naming']}")
        own, compared = results["image_size"], protocol["image_size"]
        about.append(own if own == compared else f"{own} resized to {compared}")
    return f"{', '.join(numbers)}; {', '.join(about)}"
