"""Metrics of the user's own, which `own.metrics` in params.yaml names."""

from collections.abc import Sequence

from dnaf.core.errors import ConfigError
from dnaf.evaluate.metrics.metric import Column, PairMetric
from dnaf.evaluate.metrics.registry import COLUMNS, METRICS, columns
from dnaf.evaluate.protocols.own import imported


def own_metrics(names: Sequence[str]) -> list[PairMetric]:
    """The metrics that `module:name` stands for.

    Raises:
        ConfigError: one cannot be imported, is none, or has a column key that another metric has.
    """
    found = {name: imported("metrics", name, PairMetric) for name in names}
    taken = {column.key for column in COLUMNS}
    taken |= {key for metric in METRICS if isinstance(metric, PairMetric) for key in metric.hidden}
    for name, metric in found.items():
        for key in metric.keys:
            if key in taken:
                raise ConfigError(
                    f"params.yaml: own.metrics: {name}: another metric has a column of that key (found "
                    f"{key}). Give it another one."
                )
            taken.add(key)
    return list(found.values())


def columns_with(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of all metrics, those of `own_metrics` last.

    Raises:
        ConfigError: as `own_metrics`.
    """
    return (*COLUMNS, *columns(own_metrics(names)))
