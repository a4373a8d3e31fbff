"""ST-LPIPS is what its package computes, and forgives shifts."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dnaf.core import images
from dnaf.core.errors import ConfigError
from dnaf.evaluate.metrics.metric import ComparedPair
from dnaf.evaluate.metrics.own import columns_with, own_metrics
from dnaf.evaluate.protocols.registry import PROTOCOLS

NAME = "extensions.st_lpips:ST_LPIPS"
PERIOD = 8


def stripes(shift: int = 0, period: int = PERIOD) -> images.Pixels:
    rows = (np.arange(128) + shift) // (period // 2) % 2
    return np.broadcast_to((40 + 150 * rows)[:, None, None], (128, 96, 3)).astype(np.uint8)


@pytest.fixture
def measure() -> Any:
    pytest.importorskip("stlpips_pytorch", reason="needs the extra st-lpips")
    (metric,) = own_metrics([NAME])

    return lambda real, generated: metric.measure(
        ComparedPair(real, generated, PROTOCOLS["cfld"], None, None)
    )["st_lpips"]


def test_it_is_the_number_of_the_package(measure: Any, tmp_path: Path) -> None:
    from stlpips_pytorch import stlpips, utils

    generator = np.random.default_rng(0)
    pair = [images.resize(generator.integers(0, 256, (8, 6, 3), dtype=np.uint8), (128, 96)) for _ in range(2)]
    tensors = []
    for number, image in enumerate(pair):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        tensors.append(utils.im2tensor(utils.load_image(str(tmp_path / f"{number}.png"))))
    expected = stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False)(*tensors)
    assert measure(*pair) == pytest.approx(float(expected), rel=1e-5)
    assert measure(pair[0], pair[0]) == 0


def test_a_shifted_texture_is_nearer_than_another_or_none(measure: Any) -> None:
    plain = np.full_like(stripes(), 115)
    shifted = measure(stripes(), stripes(1))
    assert shifted < 0.5 * measure(stripes(), stripes(period=2 * PERIOD))
    assert shifted < 0.5 * measure(stripes(), plain)


def test_it_has_a_column_of_its_own() -> None:
    pytest.importorskip("stlpips_pytorch", reason="needs the extra st-lpips")
    assert columns_with([NAME])[-1].key == "st_lpips"


def test_without_its_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "extensions.st_lpips", raising=False)
    with pytest.raises(
        ConfigError, match=r"^params\.yaml: own\.metrics: .* Run `uv sync --extra st-lpips`\.$"
    ):
        own_metrics([NAME])
