"""The metrics that the tables show, in their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dnaf.report.methods import MethodMetrics


@dataclass(frozen=True)
class Column:
    """One metric in the tables.

    Attributes:
        key: its name in the metrics files.
        spec: Python's format of a value.
        better: which values are better; None for what is no measure of quality.
        details: what the label says in brackets.
    """

    key: str
    name: str
    spec: str
    better: Literal["higher", "lower"] | None
    details: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.name} ({', '.join(self.details)})" if self.details else self.name

    @property
    def num_digits(self) -> int:
        """How many digits behind the point the tables show of a value: those of its format, `.4f`."""
        return int(self.spec.strip("+.f%"))

    def text(self, value: float) -> str:
        """A value as the tables show it."""
        return format(value, self.spec).replace("%", " %")


_METRICS = (
    Column("fid", "FID", ".2f", "lower"),
    Column("kid", "KID", ".5f", "lower"),
    Column("fd_efficientnet", "FD-EfficientNet", ".2f", "lower"),
    Column("fd_dinov2", "FD-DINOv2", ".2f", "lower"),
    Column("lpips", "LPIPS", ".4f", "lower"),
    Column("lpips_vgg", "LPIPS", ".4f", "lower", ("VGG",)),
    Column("lpips_squeeze", "LPIPS", ".4f", "lower", ("SqueezeNet",)),
    Column("ssim", "SSIM", ".4f", "higher", ("window 51",)),
    Column("ssim_gaussian", "SSIM", ".4f", "higher", ("gaussian",)),
    Column("psnr", "PSNR, dB", ".2f", "higher"),
    Column("l1", "L1", ".4f", "lower"),
    Column("mae", "MAE", ".4f", "lower"),
    Column("ssim_masked", "SSIM", ".4f", "higher", ("masked",)),
    Column("lpips_masked", "LPIPS", ".4f", "lower", ("masked",)),
    Column("pckh", "PCKh", ".4f", "higher"),
    Column("wrong_source_increase", "L1 with the wrong source", "+.0%", None),
)
_RANDOM = "_random"


def _with_random_networks() -> Iterator[Column]:
    for column in _METRICS:
        yield column
        if column.name in ("FID", "KID", "LPIPS"):
            details = (*column.details, "random network")
            yield replace(column, key=column.key + _RANDOM, details=details)


COLUMNS = tuple(_with_random_networks())


def columns_of(rows: Sequence[MethodMetrics]) -> list[Column]:
    """The columns in which at least one method has a value."""
    return [column for column in COLUMNS if any(column.key in row.numbers for row in rows)]


def is_random(column: Column) -> bool:
    """Whether the metric's network has seeded random weights instead of trained ones."""
    return column.key.endswith(_RANDOM)


def label_of(key: str) -> str:
    """The label of a metric, or its key if no table shows it."""
    return next((column.label for column in COLUMNS if column.key == key), key)
