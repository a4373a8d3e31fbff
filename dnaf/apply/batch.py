"""Many images from a table: who, in which pose, and where to write it.

person,person_pose,pose,pose_size,out
anna.png,anna.json,ben.json,,anna-as-ben.png
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from dnaf.apply.input_reader import InputReader
from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.apply.trunk import fitted
from dnaf.core.errors import DataError
from dnaf.core.images import Pixels
from dnaf.core.progress import track
from dnaf.data.keypoints.keypoints import Points

_NEEDED, _OPTIONAL = ("person", "pose", "out"), ("person_pose", "pose_size")
_AS_IN = "See docs/applications.md."


@dataclass(frozen=True)
class Order:
    """A row: what `stages.apply pose` is told by options."""

    person: str
    person_pose: Path | None
    pose: str
    pose_size: str | None
    out: Path


@dataclass(frozen=True)
class Checked:
    """An order whose files were read.

    Attributes:
        keypoints: (18, 2) of the person, in pixels of the frame.
        wanted: likewise, of the wanted pose.
    """

    order: Order
    keypoints: Points
    wanted: Points


def read_orders(table: Path) -> list[Order]:
    """The rows of a CSV file in UTF-8, those of one person beside each other, else in their order.

    Raises:
        DataError: not readable, another header, a ragged row, an empty cell, no rows, an output that is no
            PNG or is written twice.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{table}: not a readable CSV file in UTF-8 ({error}). {_AS_IN}") from error
    header, *rows = list(csv.reader(StringIO(text, newline=""))) or [[]]
    known = {*_NEEDED, *_OPTIONAL}
    if not {*_NEEDED} <= {*header} <= known or len({*header}) < len(header):
        raise DataError(
            f"{table}: another header (found {','.join(header)[:80]!r}, expected {','.join(_NEEDED)} and "
            f"perhaps {','.join(_OPTIONAL)}). {_AS_IN}"
        )
    orders: dict[Path, Order] = {}
    for number, row in enumerate(rows, 2):
        place = f"{table}: row {number}"
        if len(row) != len(header):
            raise DataError(f"{place}: not as many cells as the header has. {_AS_IN}")
        order = _order(dict(zip(header, row, strict=True)), place)
        if order.out in orders:
            raise DataError(f"{place}: {order.out} is written by an earlier row. Name another.")
        orders[order.out] = order
    if not orders:
        raise DataError(f"{table}: no rows below its header. {_AS_IN}")
    persons = dict.fromkeys(order.person for order in orders.values())
    places = {person: place for place, person in enumerate(persons)}
    return sorted(orders.values(), key=lambda order: places[order.person])


def _order(cells: dict[str, str], place: str) -> Order:
    empty = [name for name in _NEEDED if not cells[name].strip()]
    if empty:
        raise DataError(f"{place}: {empty[0]} is empty. {_AS_IN}")
    out = Path(cells["out"].strip())
    if out.suffix.lower() != ".png":
        raise DataError(f"{place}: {out} is no PNG (expected a name that ends in .png). Rename it.")
    pose = cells.get("person_pose", "").strip()
    return Order(
        cells["person"].strip(),
        Path(pose) if pose else None,
        cells["pose"].strip(),
        cells.get("pose_size", "").strip() or None,
        out,
    )


def check(orders: Sequence[Order], inputs: InputReader, fit_pose: bool) -> list[Checked]:
    """Reads every file that the orders name, so that a wrong one is told before anything is generated.

    Raises:
        DataError: see `InputReader`; `fitted`.
    """
    checked = []
    for order in track(orders, "Reading persons and poses", len(orders)):
        keypoints = inputs.person(order.person, order.person_pose).keypoints
        wanted = inputs.pose(order.pose, order.pose_size)
        checked.append(Checked(order, keypoints, fitted(wanted, keypoints) if fit_pose else wanted))
    return checked


def paint(
    painter: Painter, checked: Sequence[Checked], inputs: InputReader, batch_size: int
) -> Iterator[tuple[Checked, Person, Pixels]]:
    """Each order with its person and the image, uint8 (H, W, 3), as soon as its batch is done."""
    batches = [checked[start : start + batch_size] for start in range(0, len(checked), batch_size)]
    for batch in track(batches, "Batches of images", len(batches)):
        # The images are read again: all of a long table would not fit into memory.
        persons = [Person(inputs.artwork(each.order.person).image, each.keypoints) for each in batch]
        is_one = len({(each.order.person, each.order.person_pose) for each in batch}) == 1
        images = painter.generate(persons[:1] if is_one else persons, [each.wanted for each in batch])
        yield from zip(batch, persons, images, strict=True)
