"""Features are kept by what images are: nothing is looked at twice, nothing taken for something else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dnaf.evaluate.networks.efficientnet import EfficientNet
from dnaf.evaluate.networks.kept import KeptFeatures
from dnaf.evaluate.protocols.registry import PROTOCOLS
from tests.helpers.evaluation_project import EFFICIENTNET, ROOT, random_image

CFLD = PROTOCOLS["cfld"]
IMAGES = np.stack([random_image("one"), random_image("two")])


class Watched(EfficientNet):
    """Counts the batches that it looks at; with other numbers, if asked."""

    def __init__(self, provenance: str = "its weights", value: float | None = None) -> None:
        super().__init__(ROOT / EFFICIENTNET)
        self.provenance, self.value, self.num_batches = provenance, value, 0

    def features(self, images: NDArray[Any]) -> NDArray[np.float32]:
        self.num_batches += 1
        found = super().features(images)
        return found if self.value is None else np.full_like(found, self.value)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path))
    return tmp_path


def test_what_was_seen_is_not_looked_at_again() -> None:
    first, second = Watched(), Watched()
    seen = KeptFeatures("net", first, CFLD).features(IMAGES)
    again = KeptFeatures("net", second, replace(CFLD, name="another", fid_batch=4)).features(IMAGES.copy())
    assert np.array_equal(seen, again)
    assert (first.num_batches, second.num_batches) == (1, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"images": IMAGES[:1]},
        {"images": IMAGES[::-1].copy()},
        {"images": IMAGES.reshape(1, 128, 48, 3)},
        {"images": IMAGES.astype(np.float32)},
        {"name": "another net"},
        {"provenance": "other weights"},
        {"protocol": replace(CFLD, fid_network="fid")},
    ],
    ids=["fewer", "another order", "another shape", "another type", "network", "weights", "family"],
)
def test_what_differs_in_anything_is_looked_at(changed: dict[str, Any]) -> None:
    KeptFeatures("net", Watched(), CFLD).features(IMAGES)
    network = Watched(changed.get("provenance", "its weights"))
    kept = KeptFeatures(changed.get("name", "net"), network, changed.get("protocol", CFLD))
    kept.features(changed.get("images", IMAGES))
    assert network.num_batches == 1


def test_features_that_are_not_finite_are_not_kept() -> None:
    bad = Watched(value=np.nan)
    assert np.isnan(KeptFeatures("net", bad, CFLD).features(IMAGES)).all()
    good = Watched()
    assert np.isfinite(KeptFeatures("net", good, CFLD).features(IMAGES)).all()
    assert good.num_batches == 1


def test_damaged_features_are_found_again(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = KeptFeatures("net", Watched(), CFLD).features(IMAGES)
    (path,) = scratch.glob("features/*/*.zip")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    network = Watched()
    assert np.array_equal(KeptFeatures("net", network, CFLD).features(IMAGES), seen)
    assert network.num_batches == 1
    assert "damaged" in capsys.readouterr().err
