"""A result set, checked before anything is scored: names, number, sizes, and every image looked at."""

from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.core.progress import track
from dnaf.core.workers import thread_map
from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.inspection import Inspection, Inspector
from dnaf.evaluate.submissions.find import CARD, find_results
from dnaf.evaluate.submissions.method_card import Card, read_card
from dnaf.evaluate.submissions.open import DataSet, Results, open_results


def check_results(folder: Path, data: DataSet) -> str:
    """Checks a method's folder as stage evaluate would read it; one without a card may be anywhere.

    Returns:
        One line that says what was found.

    Raises:
        DataError: nothing to check, or the first thing that is wrong.
        StateError: the store that stage generate wrote is incomplete or of other pairs.
    """
    results = _open(folder, data)
    inspector = Inspector(results, data.prepared, data.size)
    sizes = set()

    def inspect(pair: Pair) -> Inspection:
        image = results.generated(pair)
        sizes.add(f"{image.shape[0]}x{image.shape[1]}")
        return inspector.inspect(pair, image)

    pairs = data.test.pairs
    inspected = track(thread_map(inspect, pairs), "Looking at images", len(pairs))
    counts = inspector.judge(pairs, list(inspected))
    equal = sum(counts.values())
    remark = f"; {equal:,} equal what is the same photograph under another name" if equal else ""
    return (
        f"{folder}: complete, {len(pairs):,} of {len(pairs):,} pairs, "
        f"{results.info['file_type']}, {sizes.pop()} (height x width){remark}"
    )


def _open(folder: Path, data: DataSet) -> Results:
    card = Card(title=folder.name, paper=None, repository=None, naming=None, panels=None)
    if (folder / CARD).exists():
        card = read_card(folder / CARD)
    elif not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder (expected one that holds a zip, a folder or images). "
            "Put the results into data/results/<method>."
        )
    found = find_results(folder.name, folder.parent, card)
    if found is None:
        raise DataError(
            f"{folder}: no images (expected a zip, a folder or images of {len(data.test.pairs):,} pairs). "
            "docs/protocols.md says how to supply them."
        )
    if not found:
        raise DataError(f"{folder}: nothing to check ({folder.name} needs no files).")
    return open_results(folder.name, found, card, data)
