"""What one stage hands to another as a single file is read as it was written, or not at all."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import seals
from dnaf.core.errors import StateError
from dnaf.data.pairs.tables import PAIR_COLUMNS, read_table
from dnaf.report.loss_curve import read_loss_curve
from dnaf.report.methods import read_metrics
from dnaf.report.scores import read_scores
from tests.helpers.scored_methods import array, present, write

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [("a", "b"), ("b", "a"), ("c\u2028d", "a")]
SCORES, METRICS = Path("data/scores/cfld/dnaf.csv"), Path("data/scores/cfld/dnaf.json")
LIST, LOSS = Path("data/pairs/test.csv"), Path("metrics/train/loss.csv")
READERS: dict[Path, Callable[[], object]] = {
    SCORES: lambda: {name: values.tolist() for name, values in read_scores(SCORES, PAIRS).items()},
    METRICS: lambda: read_metrics("cfld", "dnaf", Path("data/scores")),
    LIST: lambda: read_table(LIST, PAIR_COLUMNS),
    LOSS: lambda: read_loss_curve(LOSS),
}
FLIPS = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sealed")
    write(root, present("dnaf", {"l1": 0.25, "ssim": 0.75}), {"l1": array(0.25, 0.5, 0.125)}, PAIRS)
    rows = [f"{source},{target},{source}" for source, target in PAIRS]
    seals.write_sealed(root / LIST, "\n".join(["source,target,outfit", *rows]) + "\n")
    seals.write_sealed(root / LOSS, "step,loss,lr\n1,0.5,0.1\n2,0.25,0.1\n3,0.125,0.1\n")
    return root


@pytest.mark.parametrize("path", READERS, ids=str)
def test_no_flip_and_no_cut_is_read_silently(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    whole, read = path.read_bytes(), READERS[path]
    assert read()
    lines = whole.splitlines(keepends=True)
    damaged = [b"".join(lines[:-1]), whole + lines[-1], b"", whole[:-1]]
    rng = np.random.default_rng(0)
    for _ in range(FLIPS):
        data = bytearray(whole)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(data))
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(StateError, match=rf"^{re.escape(str(path))}: content differs .*again\.$"):
            read()
    path.write_bytes(whole)
    assert read()


@pytest.mark.parametrize("path", READERS, ids=str)
def test_a_damaged_or_missing_digest_is_named(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    seal = seals.seal_of(path)
    whole = seal.read_bytes()
    for data in (b"", b"\xff\xfe", whole[:20], b"0" + whole):
        seal.write_bytes(data)
        with pytest.raises(StateError, match=rf"^{re.escape(str(path))}: .*Run \w+ again\.$"):
            READERS[path]()
    seal.unlink()
    with pytest.raises(StateError, match=rf"^{re.escape(str(seal))}: missing\. Run \w+ again\.$"):
        READERS[path]()
    seal.write_bytes(whole)


def test_the_digest_has_the_form_of_sha256sum(tmp_path: Path) -> None:
    seals.write_sealed(tmp_path / "a.csv", "x\n")
    assert (tmp_path / "a.csv.sha256").read_text() == (
        "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac  a.csv\n"
    )
    seals.write_sealed_json(tmp_path / "b.json", {"a": 1})
    assert seals.read_sealed_json(tmp_path / "b.json", "evaluate") == {"a": 1}


def test_every_table_that_the_project_wrote_is_read_through_its_digest() -> None:
    code = [path.read_text() for folder in ("dnaf", "stages") for path in (ROOT / folder).rglob("*.py")]
    every = sum(text.count("pd.read_csv(") for text in code)
    sealed = sum(len(re.findall(r"pd\.read_csv\(\s*BytesIO\(read_sealed\(", text)) for text in code)
    assert (every, sealed) == (2, 2)
