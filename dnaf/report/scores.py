"""The scores of every pair, as `evaluate` wrote them."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnaf.core.errors import StateError, one_line
from dnaf.core.seals import read_sealed
from dnaf.data.pairs.pairs import Pair

Scores = dict[str, NDArray[np.float64]]
"""By metric, one value a pair in the order of the test pairs."""


def read_scores(path: Path, pairs: Sequence[Pair]) -> Scores:
    """Reads a method's scores of exactly these pairs.

    Raises:
        StateError: missing, not as it was written, no table of scores, of other pairs, or a score is missing
            or not finite.
    """
    try:
        table = pd.read_csv(
            BytesIO(read_sealed(path, "evaluate")),
            dtype={"source": str, "target": str},
            keep_default_na=False,
        )
        found = list(zip(table.pop("source"), table.pop("target"), strict=True))
        scores = {str(name): table[name].to_numpy(np.float64) for name in table.columns}
    except (KeyError, ValueError) as error:
        reason = one_line(error)
        raise StateError(f"{path}: not a table of scores ({reason}). Run evaluate again.") from error
    if found != list(pairs):
        raise StateError(
            f"{path}: scores of other pairs (found {len(found):,}, expected the {len(pairs):,} of the test "
            "list in their order). Run evaluate again."
        )
    for name, values in scores.items():
        if not np.isfinite(values).all():
            raise StateError(f"{path}: {name} is not finite. Run evaluate again.")
    return scores
