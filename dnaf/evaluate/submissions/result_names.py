"""File names of published results: which pair does an image show?

Every repository joins the names of source and target in its own way (`A_2_B_vis.jpg`,
`A.jpg___B.jpg_vis.jpg`, `A_to_B.png`, `A_B_vis.jpg`, names with `deepfashion`, `fasion` or nothing in front,
paths with underscores for slashes, a score before all). One regular expression with two named groups reads
them all. DiOr numbers its images instead; its card says so.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from dnaf.data.formats.names import Stem
from dnaf.data.formats.registry import FORMATS
from dnaf.data.pairs.pairs import Pair, pair_id

POSITION = "<position>"
"""Stands in a card's `naming` for a pair's place in the list of test pairs, counted from 1."""

_SUFFIX = r"\.(?:jpe?g|png)"
_SCORE = r"(?:-?\d+\.\d+(?:e-?\d+)?_)?"  # as Python prints a float


class ResultNames:
    """The pairs of a list, found by the names of result files.

    Args:
        format_name: the data set's format, which decides how names look. Those of a custom data set follow no
            rule; its results are known by `<pair id>.png` or `.jpg` alone.
        pairs: source and target stems.
        naming: the card's; used where it has `<position>`, for files that are numbered and not named.

    Source: GFLA@3afa8fe:script/metrics.py:428-437, PATN@281ee2d:tool/getMetrics_fashion.py,
    PCDMs@b3a46fb:metrics.py:427-429, stage3_batchtest_refined_model.py (the score in front),
    pose-gan@8693ec4:data/split_fasion_dataset.py:18-27, PIDM@e4f1d88:utils/metrics.py:437-439,
    FPDM@24b8f4f:C2.eval.caculate_metrics.py, RIP@aeca5f1:new_diffusion/predict.py (`_pair_output_name`),
    DiOr@ee9678d:models/dior_base_model.py (`save_batch`).
    """

    def __init__(self, format_name: str, pairs: Iterable[Pair], naming: str | None = None) -> None:
        self._naming = FORMATS[format_name].naming
        listed = list(pairs)
        self._pairs = {self._id(*pair): pair for pair in listed}
        stem = self._naming and self._naming.result_stem
        self._pattern = stem and re.compile(
            rf"{_SCORE}(?P<source>{stem})(?:\.(?:jpg|png))?(?:_2_|___|_to_|_)"
            rf"(?P<target>{stem})(?:\.(?:jpg|png))?(?:_vis)?{_SUFFIX}",
            re.IGNORECASE,
        )
        self._numbered: re.Pattern[str] | None = None
        if naming and POSITION in naming:
            before, _, after = PurePosixPath(naming).stem.partition(POSITION)
            self._numbered = re.compile(
                rf"{re.escape(before)}(\d+){re.escape(after)}{_SUFFIX}", re.IGNORECASE
            )
            self._by_position = dict(enumerate(listed, start=1))

    def pair_of(self, name: str) -> Pair | None:
        """The pair that a file's name, without folders, stands for; None if it is none of the list."""
        if self._numbered:
            match = self._numbered.fullmatch(name)
            return match and self._by_position.get(int(match[1]))
        if not self._pattern:
            return self._pairs.get(re.sub(f"{_SUFFIX}$", "", name))
        match = self._pattern.fullmatch(name)
        return match and self._pairs.get(self._id(Stem(match["source"]), Stem(match["target"])))

    def _id(self, source: Stem, target: Stem) -> str:
        """The pair's id, of what tells its images apart."""
        if self._naming is None:
            return pair_id(source, target)
        key = self._naming.result_key
        return pair_id(Stem(key(source)), Stem(key(target)))
