"""All metrics, in the order of the tables. A new one is a file beside this one, and a line here."""

from collections.abc import Iterable, Iterator

from dnaf.core import markdown
from dnaf.evaluate.metrics.detected import DETECTED
from dnaf.evaluate.metrics.frechet import FD_DINOV2, FD_EFFICIENTNET, FID
from dnaf.evaluate.metrics.kid import KID
from dnaf.evaluate.metrics.lpips import LPIPS, LPIPS_SQUEEZE, LPIPS_VGG
from dnaf.evaluate.metrics.masked_ssim import MASKED_SSIM
from dnaf.evaluate.metrics.metric import Column, Metric
from dnaf.evaluate.metrics.pckh import PCKH
from dnaf.evaluate.metrics.psnr import DIFFERENCES
from dnaf.evaluate.metrics.ssim import SSIM, UNSTATED
from dnaf.evaluate.metrics.ssim_reflected import SSIM_REFLECTED
from dnaf.evaluate.metrics.wrong_source import L1_WRONG_SOURCE, WRONG_SOURCE

METRICS: tuple[Metric, ...] = (
    FID,
    KID,
    FD_EFFICIENTNET,
    FD_DINOV2,
    LPIPS,
    LPIPS_VGG,
    LPIPS_SQUEEZE,
    SSIM,
    SSIM_REFLECTED,
    DIFFERENCES,
    MASKED_SSIM,
    PCKH,
    *DETECTED,
    L1_WRONG_SOURCE,
    WRONG_SOURCE,
)


def columns(metrics: Iterable[Metric]) -> Iterator[Column]:
    """The columns of metrics, each followed by that of its random network, if it has one."""
    for metric in metrics:
        for column in metric.columns:
            yield column
            if column.can_be_random:
                yield column.of_random_network()


COLUMNS = tuple(columns(METRICS))
_SSIM = COLUMNS.index(SSIM.columns[0])
PUBLISHED = tuple(
    column
    for column in (*COLUMNS[:_SSIM], UNSTATED, *COLUMNS[_SSIM:])
    if column.is_published and not column.is_random
)
"""The columns that papers print, in the order of their table."""


def to_markdown() -> str:
    """The table of docs/protocols.md: what the metrics are."""
    lines = [
        [
            f"`{column.key}`",
            f"{column.title}, {column.better} is better" if column.better else column.title,
            "yes" if metric.has_interval else "no",
            " or ".join(f"`{name}`" for name in column.weights) or "–",
            column.about,
        ]
        for metric in METRICS
        for column in metric.columns
    ]
    return markdown.table(["key", "metric", "interval", "weights", "what it is"], lines, "lllll")
