"""Models by their name on the Hugging Face hub, which is a server on loopback here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from dnaf.core.errors import BaseModelError
from dnaf.model.build import build
from dnaf.pipeline import DNAFPipeline, assemble
from tests.helpers import base_folders
from tests.helpers.file_server import FileServer, serving
from tests.helpers.training_project import model_params

MODEL, BASE = "someone/dnaf-people", "someone/tiny-diffusion"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Has a model and its base; the base's folder on this machine is gone."""
    folder, model = base_folders.write_sd(tmp_path / "base", "sd-1.5"), tmp_path / "model"
    of_base = {name: (folder / name).read_bytes() for name in files_of(folder)}
    assemble(build(model_params(base=str(folder)), 0)).save_pretrained(model)
    folder.rename(tmp_path / "gone")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        for name in ("ENDPOINT", "HF_ENDPOINT"):
            monkeypatch.setattr(constants, name, server.address, raising=False)
        template = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        server.add_repository(MODEL, {name: (model / name).read_bytes() for name in files_of(model)})
        useless = {"unet/diffusion_pytorch_model.bin": b"pickle", "v1-5-pruned.safetensors": b"all of it"}
        server.add_repository(BASE, of_base | useless)
        yield server


def files_of(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]


def test_a_model_and_its_base_come_from_the_hub_and_then_from_the_cache(
    server: FileServer, tmp_path: Path
) -> None:
    cache = tmp_path / "mine"
    loaded = DNAFPipeline.from_pretrained(MODEL, base=BASE, cache_dir=cache)
    here = DNAFPipeline.from_pretrained(tmp_path / "model", base=tmp_path / "gone")
    for name, tensor in here.denoiser.state_dict().items():
        assert torch.equal(loaded.denoiser.state_dict()[name], tensor), name
    fetched = {path.partition("/resolve/")[2].partition("/")[2] for path, _ in server.requests} - {""}
    assert "adapter/diffusion_pytorch_model.safetensors" in fetched
    assert "vae/diffusion_pytorch_model.safetensors" in fetched
    assert not [name for name in fetched if name.endswith(".bin") or name.startswith(("text", "tok", "v1"))]
    server.files.clear()
    DNAFPipeline.from_pretrained(MODEL, base=BASE, cache_dir=cache, local_files_only=True)


def test_a_base_of_another_repository_is_refused(server: FileServer, tmp_path: Path) -> None:
    other = base_folders.write_own(tmp_path / "other")
    server.add_repository("someone/other", {name: (other / name).read_bytes() for name in files_of(other)})
    with pytest.raises(BaseModelError, match="changed since the training"):
        DNAFPipeline.from_pretrained(tmp_path / "model", base="someone/other")


@pytest.mark.parametrize("name", ["someone/nothing", "data/model/of/mine", "/nowhere"])
def test_a_name_of_neither_a_folder_nor_a_repository_is_one_sentence(server: FileServer, name: str) -> None:
    with pytest.raises(BaseModelError, match=rf"^{name}: no such folder, and not to be had from") as caught:
        DNAFPipeline.from_pretrained(name)
    assert "\n" not in str(caught.value)
