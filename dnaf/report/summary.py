"""The few numbers of one method that `dvc metrics diff` compares."""

from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.report.methods import read_metrics, rounded

# Ten, so that `dvc metrics diff` and `dvc exp show` fit a screen. The leaderboard has all, such as KID,
# which goes with FID, PSNR and MAE, which go with L1, and metrics of random networks.
_KEYS = (
    "fid",
    "fd_efficientnet",
    "fd_dinov2",
    "lpips",
    "ssim",
    "ssim_gaussian",
    "ssim_masked",
    "l1",
    "pckh",
    "wrong_source_increase",
)


def summary(protocol: str, method: str, folder: Path) -> dict[str, float]:
    """The numbers of one method that has results, under one protocol, without intervals and counts.

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
    return {key: rounded(value) for key, value in metrics.numbers.items() if key in _KEYS}
