"""File names of published results: which pair does an image show?

Every repository joins the names of source and target in its own way (`A_2_B_vis.jpg`,
`A.jpg___B.jpg_vis.jpg`, `A_to_B.png`, `A_B_vis.jpg`, names with `deepfashion` or `fasion` in front). One
regular expression with two named groups reads them all.
"""

import re
from collections.abc import Iterable

from dnaf.data.formats.names import Stem
from dnaf.data.pairs.pairs import Pair, pair_id

_STEMS = {
    "deepfashion": r"(?:deep)?fash?ion(?:WOMEN|MEN).+?id\d{10}_\d[a-z]+",
    "market1501": r"-?\d+_c\d+s\d+_\d+_\d+",
}
_SUFFIX = r"\.(?:jpe?g|png)"
_PREFIX = re.compile(r"^(?:deep)?fash?ion")


class ResultNames:
    """The pairs of a list, found by the names of result files.

    Args:
        format_name: the data set's format, which decides how names look. Those of a custom data set follow no
            rule; its results are known by `<pair id>.png` or `.jpg` alone.
        pairs: source and target stems.

    Source: GFLA@3afa8fe:script/metrics.py:428-437, PATN@281ee2d:tool/getMetrics_fashion.py,
    PCDMs@b3a46fb:metrics.py:427-429, pose-gan@8693ec4:data/split_fasion_dataset.py:18-27,
    PIDM@e4f1d88:utils/metrics.py:437-439.
    """

    def __init__(self, format_name: str, pairs: Iterable[Pair]) -> None:
        self._format_name = format_name
        self._pairs = {self._id(*pair): pair for pair in pairs}
        stem = _STEMS.get(format_name)
        self._pattern = stem and re.compile(
            rf"(?P<source>{stem})(?:\.(?:jpg|png))?(?:_2_|___|_to_|_)"
            rf"(?P<target>{stem})(?:\.(?:jpg|png))?(?:_vis)?{_SUFFIX}",
            re.IGNORECASE,
        )

    def pair_of(self, name: str) -> Pair | None:
        """The pair that a file's name, without folders, stands for; None if it is none of the list."""
        if not self._pattern:
            return self._pairs.get(re.sub(f"{_SUFFIX}$", "", name))
        match = self._pattern.fullmatch(name)
        return match and self._pairs.get(self._id(Stem(match["source"]), Stem(match["target"])))

    def _id(self, source: Stem, target: Stem) -> str:
        """The pair's id, without what some spell in another way: prefixes, and underscores of categories."""
        if self._format_name != "deepfashion":
            return pair_id(source, target)
        source, target = (Stem(_PREFIX.sub("", stem).replace("_", "")) for stem in (source, target))
        return pair_id(source, target)
