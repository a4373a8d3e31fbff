"""The few numbers of one method that `dvc metrics diff` compares."""

from collections.abc import Sequence
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.report.methods import read_metrics, rounded


def summary(
    protocol: str, method: str, folder: Path, columns: Sequence[Column] = COLUMNS
) -> dict[str, float]:
    """The numbers of one method that has results, under one protocol, without intervals and counts.

    Args:
        columns: those of all metrics.

    Raises:
        DataError: it has none.
        StateError: its metrics are missing.
    """
    metrics = read_metrics(protocol, method, folder)
    if not metrics.is_present:
        raise DataError(
            f"data/results/{method}: {method} has no results (found 0 images, expected "
            f"{metrics.numbers['num_expected']:,}). Its card.yaml says where to get them; or choose another "
            "`method`."
        )
    # Ten main ones, so that `dvc metrics diff` and `dvc exp show` fit a screen. The leaderboard has all, such
    # as KID, which goes with FID, PSNR and MAE, which go with L1, and metrics of random networks.
    main = {column.key for column in columns if column.is_main and not column.is_random}
    return {key: rounded(value) for key, value in metrics.numbers.items() if key in main}
