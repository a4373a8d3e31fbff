"""What docs/sharing.md tells, run: remotes on a folder, a host behind SSH and S3, and what is sent there.

SSH is a real `sshd` on loopback, S3 the server of moto, which answers as Amazon's does.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from dnaf.core import files
from tests.helpers.baseline_results import Baselines
from tests.pipeline.conftest import Project
from tests.pipeline.test_dvc import ran

pytestmark = pytest.mark.slow

EXPERIMENT = "faster"


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_for(port: int) -> None:
    for _ in range(300):
        with closing(socket.socket()) as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The remote's URL and what else it needs, by key of DVC's configuration."""
    if request.param == "folder":
        yield {"url": str(tmp_path / "store")}
    elif request.param == "ssh":
        yield from _ssh(tmp_path)
    else:
        yield from _s3()


def _ssh(folder: Path) -> Iterator[dict[str, str]]:
    server = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(server).exists() or find_spec("dvc_ssh") is None:
        pytest.skip("needs openssh-server and the package dvc-ssh")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port, empty = free_port(), folder / "sshd_config"
    empty.write_text("")
    Path("/run/sshd").mkdir(exist_ok=True)
    options = {"AuthorizedKeysFile": folder / "user.pub", "StrictModes": "no", "PidFile": folder / "pid"}
    options |= {"ListenAddress": "127.0.0.1", "Subsystem": "sftp internal-sftp"}
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    process = subprocess.Popen([server, "-D", "-f", empty, "-p", str(port), "-h", folder / "host", *words])
    try:
        wait_for(port)
        user = os.environ.get("USER", "root")
        yield {"url": f"ssh://{user}@127.0.0.1:{port}{folder / 'store'}", "keyfile": str(folder / "user")}
    finally:
        process.terminate()
        process.wait()


def _s3() -> Iterator[dict[str, str]]:
    if find_spec("moto") is None or find_spec("dvc_s3") is None:
        pytest.skip("needs the packages moto[server] and dvc-s3")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        import boto3

        endpoint, key = f"http://127.0.0.1:{port}", {"access_key_id": "test", "secret_access_key": "test"}
        credentials = {f"aws_{name}": value for name, value in key.items()}
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **credentials).create_bucket(
            Bucket="dnaf"
        )
        yield {"url": "s3://dnaf/store", "endpointurl": endpoint, **key}
    finally:
        process.terminate()
        process.wait()


def add_remote(project: Project, settings: dict[str, str]) -> None:
    project.run("dvc", "remote", "add", "--local", "-q", "-d", "store", settings["url"])
    for key, value in settings.items():
        if key != "url":
            project.run("dvc", "remote", "modify", "--local", "store", key, value)


def clone(project: Project, folder: Path, settings: dict[str, str]) -> Project:
    """A clone with the remote, and with what others supplied, which is in neither git nor DVC."""
    project.run("git", "clone", "-q", str(project.root), str(folder))
    made = Project(folder, folder.with_name(f"{folder.name}-scratch"))
    for method in (*Baselines.METHODS, "shared"):
        supplied = Path("data/results") / method
        shutil.copytree(project.root / supplied, made.root / supplied, dirs_exist_ok=True)
    add_remote(made, settings)
    return made


@pytest.fixture
def origin(project: Project, settings: dict[str, str], tmp_path: Path) -> Project:
    """A clone of the project whose results are in the remote."""
    made = clone(project, tmp_path / "origin", settings)
    cache = project.run("dvc", "cache", "dir").stdout.strip()
    made.run("dvc", "config", "--local", "cache.dir", cache)
    made.run("dvc", "checkout", "-q")
    made.run("dvc", "push", "-q")
    made.written = project.written
    return made


@pytest.mark.parametrize("settings", ["folder", "ssh", "s3"], indirect=True)
def test_a_clone_has_everything_after_a_pull_and_runs_nothing(
    origin: Project, settings: dict[str, str], tmp_path: Path
) -> None:
    other = clone(origin, tmp_path / "clone", settings)
    other.run("dvc", "pull", "-q")
    assert ran(other.run("dvc", "repro")) == []
    assert other.digests() == origin.written


@pytest.mark.parametrize("settings", ["folder"], indirect=True)
def test_an_experiment_made_elsewhere_comes_back_with_its_numbers_and_files(
    origin: Project, settings: dict[str, str], tmp_path: Path
) -> None:
    other = clone(origin, tmp_path / "clone", settings)
    other.run("dvc", "pull", "-q")
    run = other.run("dvc", "exp", "run", "-n", EXPERIMENT, "-S", "train.lr=5e-5")
    assert not {"unpack", "split", "render", "latents"} & set(ran(run))
    other.run("dvc", "exp", "push", "-q", "origin", EXPERIMENT)
    origin.run("dvc", "exp", "pull", "-q", str(other.root), EXPERIMENT)
    assert "ssim_gaussian" in origin.run("dvc", "metrics", "diff", "main", EXPERIMENT).stdout
    origin.run("dvc", "gc", "-q", "-f", "--workspace", "--all-experiments")
    origin.run("dvc", "exp", "apply", "-q", EXPERIMENT)
    origin.run("dvc", "checkout", "-q")
    assert (origin.root / "data/model/manifest.json").read_bytes() == (
        other.root / "data/model/manifest.json"
    ).read_bytes()


@pytest.mark.parametrize("settings", ["folder"], indirect=True)
def test_a_model_is_got_out_of_another_repository(origin: Project, tmp_path: Path) -> None:
    origin.run("dvc", "get", "-q", str(origin.root), "data/model", "-o", str(tmp_path / "model"))
    found = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"README.md", "manifest.json", "adapter"} <= found


@pytest.mark.parametrize("settings", ["folder"], indirect=True)
def test_no_file_of_others_enters_a_push(origin: Project, settings: dict[str, str], tmp_path: Path) -> None:
    gated = b"an archive that its owners give to researchers only"
    (tmp_path / "owner.zip").write_bytes(gated)
    imported = "data/raw/deepfashion/img_highres.zip"
    origin.run("dvc", "import-url", "-q", str(tmp_path / "owner.zip"), imported)
    definition = origin.root / f"{imported}.dvc"
    definition.write_text(definition.read_text().rstrip("\n") + "\n  push: false\n")
    (origin.root / "data/raw/deepfashion/train.lst").write_bytes(gated)
    assert "push: false" in definition.read_text()
    origin.run("dvc", "push", "-q")
    sent = {files.digest(path) for path in Path(settings["url"]).rglob("*") if path.is_file()}
    folders = ["data/raw/deepfashion", *(f"data/results/{method}" for method in Baselines.METHODS)]
    others = [path for each in folders for path in (origin.root / each).rglob("*") if path.is_file()]
    assert len(others) > len(Baselines.METHODS)
    assert files.digest(origin.root / "data/results/dnaf/generated.zip") in sent
    assert not sent & {files.digest(path) for path in others}
