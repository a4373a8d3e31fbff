"""The command fetch_weights against a server on loopback; nothing here needs the network."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dnaf.core import files
from dnaf.core.errors import ConfigError, ResourceError
from dnaf.weights.hub import STABLE_DIFFUSION
from dnaf.weights.registry import WEIGHTS, KnownWeights
from stages import fetch_weights
from tests.helpers.file_server import FileServer, serving

ROOT = Path(__file__).parents[2]
CONTENT = b"tensors" * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TINY = Path(f"checkpoints/tiny-{SHA256[:8]}.pth")
FOLDER = Path("checkpoints/stable-diffusion-v1-5")

# The repository's files at the time of writing.
NEEDED = (
    "feature_extractor/preprocessor_config.json",
    "model_index.json",
    "safety_checker/config.json",
    "safety_checker/model.safetensors",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
)
NOT_NEEDED = (
    ".gitattributes",
    "README.md",
    "safety_checker/model.fp16.safetensors",
    "safety_checker/pytorch_model.bin",
    "text_encoder/model.fp16.safetensors",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "v1-5-pruned-emaonly.safetensors",
    "v1-5-pruned.ckpt",
    "v1-5-pruned.safetensors",
    "v1-inference.yaml",
    "vae/diffusion_pytorch_model.fp16.safetensors",
)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Has the weights `tiny` and the base model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("COLUMNS", "250")
    with serving() as server:
        server.files[f"/{TINY.name}"] = CONTENT
        known = KnownWeights("tiny", "tests", TINY.name, lambda: f"{server.address}/{TINY.name}", SHA256[:8])
        monkeypatch.setitem(WEIGHTS, "tiny", known)
        members = {name: name.encode() * 1000 for name in NEEDED + NOT_NEEDED}
        server.add_repository(STABLE_DIFFUSION.repository, members)
        yield server


def run(address: str, *names: str) -> subprocess.CompletedProcess[str]:
    """The command as a user starts it, with the hub at another address."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": address, "HF_HOME": "hub"}
    command = [sys.executable, "-m", "stages.fetch_weights", *names]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_weights_are_downloaded_and_the_key_is_told(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(WEIGHTS, "alexnet", replace(WEIGHTS["tiny"], name="alexnet"))
    fetch_weights.main(["alexnet"])
    assert TINY.read_bytes() == CONTENT
    assert capsys.readouterr().out.splitlines() == [
        f"{TINY}: 0.7 MB, sha256 {SHA256}",
        "Set in params.yaml, section `weights`:",
        f"  alexnet: {TINY}",
    ]


def test_an_intact_file_is_not_downloaded_again(server: FileServer) -> None:
    fetch_weights.main(["tiny"])
    fetch_weights.main(["tiny"])
    assert len(server.requests) == 1


def test_a_file_of_another_version_is_refused_and_left_alone(
    server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    TINY.parent.mkdir()
    TINY.write_bytes(b"the user's own")
    with pytest.raises(ResourceError, match=rf"1 of 1 could not be fetched .* by hand: tiny at {TINY}\."):
        fetch_weights.main(["tiny"])
    assert f"tiny: {TINY}: not the expected weights" in capsys.readouterr().err
    assert TINY.read_bytes() == b"the user's own"
    assert server.requests == []


def test_every_file_is_tried_and_one_sentence_sums_up(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "last"):
        gone = replace(WEIGHTS["tiny"], name=name, file=f"{name}.pth", url=lambda: f"{server.address}/gone")
        monkeypatch.setitem(WEIGHTS, name, gone)
    with pytest.raises(ResourceError) as error:
        fetch_weights.main(["first", "tiny", "last"])
    assert str(error.value).startswith("fetch_weights: 2 of 3 could not be fetched")
    assert "first at checkpoints/first.pth, last at checkpoints/last.pth" in str(error.value)
    assert TINY.read_bytes() == CONTENT
    said = capsys.readouterr()
    assert said.out == f"{TINY}: 0.7 MB, sha256 {SHA256}\n"
    assert [line.split(":")[0] for line in said.err.splitlines() if "status 404" in line] == ["first", "last"]


def test_an_unknown_name_is_refused_before_anything_is_downloaded(server: FileServer) -> None:
    with pytest.raises(ConfigError, match=r"unknown weights \(found 'tinny', expected some of .*tiny"):
        fetch_weights.main(["tiny", "tinny"])
    assert server.requests == []


def test_without_names_all_are_listed_with_their_state(
    server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_weights.main(["tiny"])
    other = Path("checkpoints") / WEIGHTS["alexnet"].file
    other.write_bytes(b"an error page")
    FOLDER.mkdir()
    capsys.readouterr()
    server.requests.clear()
    fetch_weights.main()
    rows = {
        cells[2].strip(): [cell.strip() for cell in cells]
        for line in capsys.readouterr().out.splitlines()
        if len(cells := line.split("│")) > 2
    }
    assert rows["tiny"][1:7] == ["ok", "tiny", "tests", str(TINY), "0.7", f"sha256 {SHA256}"]
    assert rows["vgg16"][1:7] == ["absent", "vgg16", "LPIPS (vgg)", "checkpoints/vgg16-397923af.pth", "", ""]
    assert rows["alexnet"][1] == "wrong"
    assert rows[STABLE_DIFFUSION.name][1] == "wrong"
    assert rows.keys() >= WEIGHTS.keys()
    assert server.requests == []


def test_no_connection_ends_in_one_sentence_and_exit_code_2(server: FileServer) -> None:
    with serving() as closed:
        address = closed.address
    finished = run(address, STABLE_DIFFUSION.name)
    assert finished.returncode == 2
    [_, cause, summary] = finished.stderr.splitlines()
    name, repository = STABLE_DIFFUSION.name, STABLE_DIFFUSION.repository
    assert cause.startswith(f"{name}: {repository}: could not be downloaded (")
    assert summary.startswith("error: fetch_weights: 1 of 1 could not be fetched")
    assert not FOLDER.exists()


def test_of_the_base_model_only_what_is_needed_is_downloaded_and_only_once(server: FileServer) -> None:
    finished = run(server.address, STABLE_DIFFUSION.name)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("\n") == 1
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert found == {*NEEDED, files.MANIFEST}
    assert all((FOLDER / name).read_bytes() == name.encode() * 1000 for name in NEEDED)
    info = files.require_complete(FOLDER)
    assert info["repository"] == STABLE_DIFFUSION.repository
    assert finished.stdout.startswith(f"{FOLDER}: 0.4 MB, commit {info['commit']}")
    server.requests.clear()
    assert run(server.address, STABLE_DIFFUSION.name).stdout == finished.stdout
    assert server.requests == []


def test_a_damaged_file_of_the_base_model_is_refused_and_fetched_again(server: FileServer) -> None:
    [path] = [path for path in server.files if path.endswith("/unet/diffusion_pytorch_model.safetensors")]
    content = server.files[path]
    server.files[path] = content[:-1] + b"!"
    finished = run(server.address, STABLE_DIFFUSION.name)
    assert finished.returncode == 2
    assert (
        f"{FOLDER}/unet/diffusion_pytorch_model.safetensors: not the file that the hub has" in finished.stderr
    )
    assert not (FOLDER / files.MANIFEST).exists()
    server.files[path] = content
    server.requests.clear()
    assert run(server.address, STABLE_DIFFUSION.name).returncode == 0
    assert [name for name, _ in server.requests if "/resolve/" in name] == [path]
