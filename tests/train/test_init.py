"""Training starts from a published adapter of the same base and form, or says why it cannot."""

import json
from pathlib import Path

import pytest
import torch

from dnaf.core import files
from dnaf.core.errors import BaseModelError, ConfigError
from dnaf.model import build as base
from dnaf.model.components import Components
from dnaf.pipeline import assemble
from dnaf.train.init import init_adapter
from tests.helpers import base_folders
from tests.helpers.training_project import model_params


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folders.write_own(tmp_path_factory.mktemp("own") / "base")


def build(folder: Path, seed: int = 0, **changes: object) -> Components:
    return base.build(model_params(base=str(folder), **changes), seed)


@pytest.fixture
def trained(own: Path, tmp_path: Path) -> Path:
    """A model whose adapter has weights that no start gives."""
    components = build(own, seed=1)
    with torch.no_grad():
        for index, weight in enumerate(components.adapter.parameters()):
            weight.fill_(0.01 * index)
    assemble(components).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_the_adapter_gets_the_weights_and_the_origin_is_told(own: Path, trained: Path) -> None:
    components = build(own)
    origin = init_adapter(components, trained)
    for index, weight in enumerate(components.adapter.parameters()):
        assert torch.equal(weight, torch.full_like(weight, 0.01 * index))
        assert weight.requires_grad
    assert origin.folder == str(trained)
    name = "adapter/diffusion_pytorch_model.safetensors"
    assert origin.sha256[name] == files.digest(trained / name)


def test_an_adapter_of_another_form_is_refused_and_the_difference_named(own: Path, trained: Path) -> None:
    with pytest.raises(BaseModelError, match=r"another form \(found noise_aware True, expected False\)"):
        init_adapter(build(own, noise_aware=False), trained)


def test_an_adapter_of_another_base_is_refused(trained: Path, tmp_path: Path) -> None:
    other = base_folders.write_own(tmp_path / "other", with_style_encoder=False)
    with pytest.raises(BaseModelError, match="an adapter of another base model"):
        init_adapter(build(other), trained)


def test_a_model_from_scratch_has_no_published_adapter_to_start_from(trained: Path) -> None:
    with pytest.raises(ConfigError, match=r"train\.init: only for a model on a base"):
        init_adapter(base.build(model_params(), 0), trained)


def test_what_is_wrong_with_the_folder_is_one_sentence(own: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=r"provenance\.json: missing\. Set train\.init"):
        init_adapter(build(own), tmp_path / "none")
    weights = trained / "adapter/diffusion_pytorch_model.safetensors"
    weights.unlink()
    with pytest.raises(BaseModelError, match=r"adapter.*Set train\.init"):
        init_adapter(build(own), trained)
    (trained / "provenance.json").write_text(json.dumps({"base": None}))
    with pytest.raises(BaseModelError, match="not a provenance"):
        init_adapter(build(own), trained)
