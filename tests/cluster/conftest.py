"""Two hosts on one machine: network namespaces with a cable between them, and the file system in common."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.helpers.training_project import ROOT

HOSTS = {"dnaf-a": "10.77.0.1", "dnaf-b": "10.77.0.2"}
_FIRST_PORT = 29511


class TwoHosts:
    """Starts a stage on both, as docs/cluster.md tells it."""

    def __init__(self) -> None:
        self._port = _FIRST_PORT

    def start(
        self, root: Path, *stage: str, of_second: Mapping[str, str] | None = None
    ) -> list[subprocess.Popen[str]]:
        """Both processes, of which each leads a group of its own.

        Args:
            of_second: further environment of the second host.
        """
        self._port += 1  # the system keeps the last one for a while
        return [
            subprocess.Popen(
                [
                    *("ip", "netns", "exec", name, sys.executable, "-m", "torch.distributed.run"),
                    *("--nnodes", "2", "--nproc_per_node", "1", "--node_rank", str(rank)),
                    *("--master_addr", HOSTS["dnaf-a"], "--master_port", str(self._port), "-m", *stage),
                ],
                cwd=root,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "DNAF_SCRATCH": str(root / "scratch"),
                    "OMP_NUM_THREADS": "1",
                    "GLOO_SOCKET_IFNAME": f"{name}-eth",
                    **((of_second or {}) if rank else {}),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            for rank, name in enumerate(HOSTS)
        ]

    def run(
        self, root: Path, *stage: str, of_second: Mapping[str, str] | None = None
    ) -> list[tuple[int, str]]:
        """Exit code and output of each host."""
        return finish(self.start(root, *stage, of_second=of_second))


def finish(hosts: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Exit code and output of each host, at its end."""
    said = [host.communicate(timeout=300)[0] for host in hosts]
    return [(host.returncode, text) for host, text in zip(hosts, said, strict=True)]


def kill_second() -> None:
    """Nothing runs on the second host any more, as where Slurm kills all processes of a node's task."""
    for number in _ip("netns", "pids", list(HOSTS)[1]).stdout.split():
        os.kill(int(number), signal.SIGKILL)


@pytest.fixture(scope="session")
def two_hosts() -> Iterator[TwoHosts]:
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and `ip` (iproute2)")
    _remove()
    made = [_ip("netns", "add", name) for name in HOSTS]
    if any(each.returncode for each in made):
        pytest.skip(f"no network namespaces here ({made[0].stderr.strip()})")
    one, two = HOSTS
    _ip("link", "add", f"{one}-eth", "netns", one, "type", "veth", "peer", f"{two}-eth", "netns", two)
    for name, address in HOSTS.items():
        _ip("-n", name, "address", "add", f"{address}/24", "dev", f"{name}-eth")
        for link in ("lo", f"{name}-eth"):
            assert _ip("-n", name, "link", "set", link, "up").returncode == 0
    yield TwoHosts()
    _remove()


def _remove() -> None:
    for name in HOSTS:
        _ip("netns", "delete", name)


def _ip(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *words], capture_output=True, text=True)
