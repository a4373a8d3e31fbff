"""The loss of training, short enough to be drawn."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd

from dnaf.core.errors import StateError, one_line
from dnaf.core.seals import read_sealed

_MAX_POINTS = 500


@dataclass(frozen=True)
class LossCurve:
    """A loss curve.

    Attributes:
        steps: the last step of each point.
        losses: means over equally many logged steps.
        num_averaged: how many; the last point may be of fewer.
    """

    steps: list[int]
    losses: list[float]
    num_averaged: int


def read_loss_curve(path: Path) -> LossCurve | None:
    """Reads what training logged, averaged to at most 500 points; None if nothing was trained.

    Raises:
        StateError: not as it was written, or no table of losses.
    """
    if not path.exists():
        return None
    try:
        table = pd.read_csv(BytesIO(read_sealed(path, "train")))[["step", "loss"]].astype(
            {"step": int, "loss": float}
        )
    except (KeyError, ValueError) as error:
        reason = one_line(error)
        raise StateError(f"{path}: not a table of losses ({reason}). Run train again.") from error
    number = max(1, -(-len(table) // _MAX_POINTS))
    points = table.groupby(table.index // number).agg({"step": "last", "loss": "mean"})
    return LossCurve(points["step"].tolist(), points["loss"].round(6).tolist(), number)
