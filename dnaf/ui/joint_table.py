"""Keypoints as a table that people edit: a row a joint, with empty cells where it is missing."""

from typing import Any

import numpy as np

from dnaf.core.errors import DataError
from dnaf.data.keypoints.keypoints import Points, coordinate

# In the order of `dnaf.data.keypoints.keypoints`.
JOINTS = (
    *("nose", "neck"),
    *(f"{side} {joint}" for side in ("right", "left") for joint in ("shoulder", "elbow", "wrist")),
    *(f"{side} {joint}" for side in ("right", "left") for joint in ("hip", "knee", "ankle")),
    *(f"{side} {joint}" for joint in ("eye", "ear") for side in ("right", "left")),
)

Table = list[list[Any]]


def to_table(keypoints: Points) -> Table:
    """Rows `joint, x, y` of keypoints (18, 2), to a tenth of a pixel; a missing joint's cells are None."""
    return [
        [joint, *(None if np.isnan(value) else round(value, 1) for value in point)]
        for joint, point in zip(JOINTS, keypoints.tolist(), strict=True)
    ]


def to_keypoints(table: Table) -> Points:
    """Keypoints (18, 2) of what `to_table` gave, edited; missing joints are NaN.

    Raises:
        DataError: not 18 rows, a cell is no number, or only one of a joint's two cells is empty.
    """
    if len(table) != len(JOINTS) or any(len(row) != 3 for row in table):
        raise DataError(
            f"joints: not a table of joints (found {len(table)} rows, expected {len(JOINTS)} of "
            "joint, x, y). Load the page again."
        )
    return np.array([_point(joint, row[1:]) for joint, row in zip(JOINTS, table, strict=True)])


def _point(joint: str, cells: list[Any]) -> list[float]:
    is_empty = [cell is None or str(cell).strip() in ("", "nan") for cell in cells]
    if all(is_empty):
        return [np.nan, np.nan]
    try:
        return [coordinate(float(cell)) for cell in cells]
    except (TypeError, ValueError) as error:
        found = " and ".join(
            "nothing" if empty else f"{cell!s:.20}" for empty, cell in zip(is_empty, cells, strict=True)
        )
        raise DataError(
            f"{joint}: not two numbers (found {found}). Write both x and y, or empty both cells."
        ) from error
    except DataError as error:
        raise DataError(f"{joint}: {error}") from error
