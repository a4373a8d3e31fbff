"""What is known of the published data sets, so that a wrong or incomplete copy is told before long work.

Counts and digests: DeepFashion's lists were measured on the copies of PATN@281ee2d and MCLD@6279ff7, which
are equal; its test pairs on OnePoseTrans@c04223d:files and MCLD@6279ff7:data/test.csv; the number of training
pairs is told by CFLD@f2ea2a7:README.md, that of Market-1501's pairs by GFLA@3afa8fe:README.md.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dnaf.core.errors import DataError


@dataclass(frozen=True)
class Facts:
    """Numbers and digests by split (`train`, `test`); a digest is sha256 of the sorted lines.

    Attributes:
        fewest_pairs: as many were drawn from them, so that there are at least so many.
    """

    num_images: dict[str, int] = field(default_factory=dict)
    images_sha256: dict[str, str] = field(default_factory=dict)
    num_pairs: dict[str, int] = field(default_factory=dict)
    pairs_sha256: dict[str, str] = field(default_factory=dict)
    fewest_pairs: dict[str, int] = field(default_factory=dict)


FACTS = {
    "deepfashion": Facts(
        num_images={"train": 48_674, "test": 4_038},
        images_sha256={
            "train": "5f0f66d3016f0ab9907b10761fa8cc4f23891016bcecfc7385bd7e0a9fc60e9f",
            "test": "ffe80fdbdee08bf939c9428f379955c2dafde9c69073c64faf1e32fce34c75c5",
        },
        num_pairs={"train": 101_966, "test": 8_570},
        pairs_sha256={"test": "3dd01d33aa68721b7522f8e3dbb412905e158b685db58e44d84d0982c393ce8e"},
    ),
    "market1501": Facts(num_pairs={"train": 263_632}, fewest_pairs={"test": 12_000}),
}


_REMEDY = (
    "Use the published lists and annotations, or give your own selection another name in params.yaml "
    "(docs/data.md)."
)


def check_images(dataset: str, split: str, names: Collection[str], where: Path) -> None:
    """Checks a split's image names against the published list; a data set that is not published has none.

    Raises:
        DataError: another number of images, or other images.
    """
    facts = FACTS.get(dataset, Facts())
    what = f"images of the {split} split"
    _check(dataset, what, split, len(names), names, facts.num_images, facts.images_sha256, where)


def check_pairs(dataset: str, split: str, pairs: Collection[tuple[str, str]], where: Path) -> None:
    """Checks the pairs (source and target names) that the selection rule gives, before any are drawn.

    Raises:
        DataError: another number of pairs, or other pairs.
    """
    facts = FACTS.get(dataset, Facts())
    fewest = facts.fewest_pairs.get(split, 0)
    if len(pairs) < fewest:
        raise DataError(
            f"{where}: not the pairs of the {split} split of {dataset} (found {len(pairs):,}, expected at "
            f"least {fewest:,}). {_REMEDY}"
        )
    lines = map(",".join, pairs)
    what = f"pairs of the {split} split"
    _check(dataset, what, split, len(pairs), lines, facts.num_pairs, facts.pairs_sha256, where)


def _check(
    dataset: str,
    what: str,
    split: str,
    number: int,
    lines: Iterable[str],
    counts: dict[str, int],
    digests: dict[str, str],
    where: Path,
) -> None:
    if number != counts.get(split, number):
        raise DataError(
            f"{where}: not the {what} of {dataset} (found {number:,}, expected {counts[split]:,}). {_REMEDY}"
        )
    if split in digests:
        found = hashlib.sha256(("\n".join(sorted(lines)) + "\n").encode()).hexdigest()
        if found != digests[split]:
            raise DataError(
                f"{where}: not the {what} of {dataset} (found {number:,} with sha256 {found}, expected "
                f"{digests[split]}). {_REMEDY}"
            )
