from pathlib import Path

import pytest

from dnaf.apply.limits import limits
from dnaf.core import files


@pytest.mark.parametrize(
    ("dataset", "base", "knows_drawn_only"),
    [
        ("demo", None, True),
        ("demo", "checkpoints/stable-diffusion-v1-5", False),
        ("mine", "../data/base/people", True),
        ("mine", "/elsewhere/data/base/people", True),
        ("mine", None, False),
        ("deepfashion", "checkpoints/stable-diffusion-v1-5", False),
    ],
)
def test_what_a_model_does_not_know_follows_from_its_data_and_its_base(
    tmp_path: Path, dataset: str, base: str | None, knows_drawn_only: bool
) -> None:
    assert bool(limits(tmp_path, dataset)) == (dataset == "demo")  # a model from scratch has no record
    record = {"base": base and {"folder": base, "sha256": {}}, "style_weights": None}
    files.write_json(tmp_path / "provenance.json", record)
    assert ("drawn people only" in limits(tmp_path, dataset)) == knows_drawn_only
