"""One method's scores under one protocol, in a file that others can send.

`data/results/<method>/merged/<protocol>.json` stands in the place of images: stage evaluate takes the scores
out of it. It has what evaluate wrote where the images are, the method's card, digests of the pairs, the real
images and the weights, and the commit that computed it.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dnaf.core import commands, files
from dnaf.core.config import Name
from dnaf.core.errors import DataError, one_line, short
from dnaf.core.images import Size
from dnaf.evaluate.protocols.protocol import Protocol
from dnaf.evaluate.protocols.view import compared_size
from dnaf.evaluate.submissions.find import MERGED, TestPairs
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.plain_files import require_plain

ELSEWHERE = "elsewhere"
"""In the block `protocol` of numbers that were not computed here: who computed them."""

_MAX_BYTES = 100_000_000  # 20 times a file of 12,000 pairs
_WORDS = {"title", "source"}  # of a protocol; they can be put better, and change no number

Number = Annotated[int | float, Field(allow_inf_nan=False)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Origin(_Section):
    """What computed the scores: version and commit of `dnaf`, and the commit's date; null without git."""

    dnaf: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}(-dirty)?$")] | None
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None


class _Images(BaseModel):
    """What tables ask of the images that were scored."""

    model_config = ConfigDict(strict=True)
    file_type: str
    num_equal_to_truth: Annotated[int, Field(ge=0)] = 0
    num_equal_to_others: Annotated[int, Field(ge=0)] = 0


class _Protocol(BaseModel):
    """The keys of the block `protocol` by which a file belongs to a protocol; the others are compared."""

    model_config = ConfigDict(strict=True, extra="allow")
    name: Name
    pairs_sha256: str
    image_size: str
    results: _Images


class ResultFile(_Section):
    """What the file says.

    Attributes:
        method: its name where it was scored.
        numbers, protocol: what evaluate's JSON has.
        scores: by metric, one a pair, in the order of the test pairs.
    """

    format: Literal["dnaf result 1"] = "dnaf result 1"
    method: Name
    card: Card
    origin: Origin
    numbers: dict[Key, Number]
    protocol: dict[str, Any]
    scores: dict[Key, list[Number]]


def write_result(path: Path, result: ResultFile) -> None:
    """Writes the file, with the digest of its content."""
    content = result.model_dump(mode="json")
    files.write_json(path, {**content, "sha256": files.fingerprint(content)})


def read_result(path: Path) -> ResultFile:
    """Reads a file that may come from anyone.

    Raises:
        DataError: it cannot be read, is damaged, or is not such a file.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path}: too large for a result (expected at most {_MAX_BYTES:,} bytes).")
        content = json.loads(files.read_bytes(path))
        recorded = content.pop("sha256")
        found = files.fingerprint(content)
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}).") from error
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a file that `{commands.stage('pack')}` wrote ({one_line(error)}). Have it sent "
            "again."
        ) from error
    if found != recorded:
        raise DataError(
            f"{path}: damaged or altered (found sha256 {found[:12]}…, expected {short(recorded)}). Have it "
            "sent again."
        )
    try:
        result = ResultFile.model_validate(content)
        _Protocol.model_validate(result.protocol)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{path}: {key}: {first['msg']} (found {short(first['input'])}). Have it sent again."
        ) from error
    return result


def find_merged(method: str, results: Path, protocol: str) -> Path | None:
    """The file with a method's scores under a protocol, if there is one.

    Raises:
        DataError: it is a link.
    """
    path = results / method / MERGED / f"{protocol}.json"
    if not path.exists():
        return None
    require_plain(path)
    return path


def scores_elsewhere(
    path: Path, protocol: Protocol, test: TestPairs, size: Size
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """The scores of a file of this protocol and these pairs.

    Weights and real images are compared where methods are: see `dnaf.report.methods`.

    Args:
        size: (height, width) of the data set.

    Returns:
        The metrics as `score.score` gives them, with a block `elsewhere` in `protocol`, and by metric the
        scores of all pairs.

    Raises:
        DataError: unreadable or damaged, or of another protocol, other pairs or another size.
    """
    result = read_result(path)
    ours = json.loads(json.dumps(dataclasses.asdict(protocol)))
    height, width = compared_size(protocol.pixels, size)
    expected = {**ours, "pairs_sha256": test.sha256, "image_size": f"{height}x{width}"}
    for key in ("name", "pairs_sha256", "image_size", *ours):
        if key not in _WORDS and result.protocol.get(key) != expected[key]:
            raise DataError(
                f"{path}: not comparable ({key}: found {short(result.protocol.get(key))}, expected "
                f"{short(expected[key])}). Have the method scored by this version, on these pairs."
            )
    number = len(test.pairs)
    counts = {key: result.numbers.get(key) for key in ("num_pairs", "num_expected")}
    counts |= {key: len(values) for key, values in result.scores.items()}
    for key, found in counts.items():
        if found != number:
            raise DataError(f"{path}: {key}: other pairs (found {found}, expected {number:,}).")
    block = {**result.protocol, **{key: ours[key] for key in _WORDS}}
    block[ELSEWHERE] = {**result.origin.model_dump(), "sha256": files.digest(path)}
    return {**result.numbers, "protocol": block}, {**result.scores}


def origin_text(elsewhere: Mapping[str, Any]) -> str:
    """A block `elsewhere` for people: `commit 0123456789 of 2026-11-29`."""
    commit = elsewhere["commit"]
    if commit is None:
        return f"dnaf {elsewhere['dnaf']}, no commit"
    is_dirty = ", altered" if commit.endswith("-dirty") else ""
    return f"commit {commit[:10]} of {elsewhere['date']}{is_dirty}"
