"""A result set, checked before anything is scored: names, number, sizes, and every image looked at."""

from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.core.progress import track
from dnaf.core.workers import thread_map
from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.inspection import Inspection, Inspector
from dnaf.evaluate.submissions.find import NEED_NO_FILES
from dnaf.evaluate.submissions.open import DataSet, open_folder


def check_results(folder: Path, data: DataSet) -> str:
    """Checks a method's folder as stage evaluate would read it; one without a card may be anywhere.

    Returns:
        One line that says what was found.

    Raises:
        DataError: nothing to check, or the first thing that is wrong.
        StateError: the store that stage generate wrote is incomplete or of other pairs.
    """
    if folder.name in NEED_NO_FILES:
        raise DataError(f"{folder}: nothing to check ({folder.name} needs no files).")
    _, results = open_folder(folder, data)
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
