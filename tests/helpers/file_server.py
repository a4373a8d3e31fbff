"""A web server on loopback that gives files as the hosts of weights do, and can be made to misbehave."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FileServer(ThreadingHTTPServer):
    """Gives `files` by their path.

    Attributes:
        files: path (with the leading slash) -> content.
        supports_range, sends_tag, sends_length: what a well-behaved server does.
        announced_length: what it says instead of the true length.
        breaks_after: how many bytes of a file it gives before it hangs up.
        requests: each GET of a file: (path, first byte asked for or None).
        num_bytes_sent: of the contents of files.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.supports_range = self.sends_tag = self.sends_length = True
        self.announced_length: int | None = None
        self.breaks_after: int | None = None
        self.requests: list[tuple[str, int | None]] = []
        self.num_bytes_sent = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no reason to print a traceback."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add_repository(self, name: str, members: Mapping[str, bytes]) -> None:
        """Lays out a model repository as the Hugging Face hub does; safetensors have a sha256 there."""
        commit = sha256(name.encode()).hexdigest()[:40]
        entries: list[dict[str, Any]] = []
        for path, content in members.items():
            self.files[f"/{name}/resolve/{commit}/{path}"] = content
            entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": "0" * 40}
            if path.endswith(".safetensors"):
                digest = sha256(content).hexdigest()
                entry["lfs"] = {"oid": digest, "sha256": digest, "size": len(content), "pointerSize": 1}
            entries.append(entry)
        siblings = [entry | {"rfilename": entry["path"], "blobId": entry["oid"]} for entry in entries]
        info = {"id": name, "sha": commit, "siblings": siblings}
        for path in ("", "/revision/main", f"/revision/{commit}"):
            self.files[f"/api/models/{name}{path}"] = json.dumps(info).encode()
        self.files[f"/api/models/{name}/tree/{commit}"] = json.dumps(entries).encode()


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def _answer(self, with_content: bool) -> None:
        path = self.path.partition("?")[0]
        content = self.server.files.get(path)
        if content is None:
            self.send_error(404)
            return
        start = self._first_byte(content)
        if with_content:
            self.server.requests.append((path, start))
        self.send_response(200 if start is None else 206)
        commit = re.search("/resolve/([0-9a-f]{40})/", path)
        if commit:
            self.send_header("X-Repo-Commit", commit[1])
        if self.server.sends_tag:
            self.send_header("ETag", self._tag(content))
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        content = content[start or 0 :]
        if self.server.sends_length:
            self.send_header("Content-Length", str(self.server.announced_length or len(content)))
        self.end_headers()
        if with_content:
            content = content[: self.server.breaks_after]
            self.server.num_bytes_sent += len(content)
            self.wfile.write(content)

    def _first_byte(self, content: bytes) -> int | None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", self._tag(content)) == self._tag(content)
        return int(asked[1]) if asked and same and self.server.supports_range else None

    @staticmethod
    def _tag(content: bytes) -> str:
        return f'"{sha256(content).hexdigest()}"'


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server that runs until the block ends."""
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
