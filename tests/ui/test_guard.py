"""What other web sites send to the page's server does not reach it."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dnaf.ui import guard
from dnaf.ui.guard import Guard

PORT = 7860
OWN = "127.0.0.1:7860"


class Page:
    """Stands where Gradio does; remembers what reached it."""

    def __init__(self, folder: Path) -> None:
        self.bodies: list[bytes] = []
        self.guard = Guard(self._answer, PORT, folder)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    def ask(
        self, method: str = "GET", path: str = "/", body: bytes = b"", kind: str = "http", **headers: str
    ) -> int:
        """The status of the answer."""
        given = {"host": OWN, "content-length": str(len(body)), **headers}
        scope = {
            "type": kind,
            "method": method,
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in given.items() if value != "-"],
        }
        halves = [(body[: len(body) // 2], True), (body[len(body) // 2 :], False)]
        waiting = [{"type": "http.request", "body": half, "more_body": more} for half, more in halves]
        sent: list[Any] = []

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        # In a thread of its own: that of a browser's tests has a running loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, self.guard(scope, receive, send)).result()
        status: int = sent[0].get("status", sent[0].get("code"))
        return status


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


@pytest.mark.parametrize("host", [OWN, "localhost:7860", "LOCALHOST:7860"])
def test_the_page_itself_is_answered(page: Page, host: str) -> None:
    assert page.ask(host=host) == 200
    assert page.ask("POST", "/gradio_api/queue/join", b"{}", host=host, origin=f"http://{host}") == 200
    assert page.bodies[-1] == b"{}"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7860", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:7860.evil.example",
     "localhost.evil.example:7860", "", "-", "[::1]:7860", "0.0.0.0:7860"],
)  # fmt: skip
def test_another_host_is_refused_for_pages_and_sockets(page: Page, host: str) -> None:
    assert page.ask(host=host) == 403
    assert page.ask("POST", "/gradio_api/upload", b"x", host=host) == 403
    assert page.ask(kind="websocket", host=host) == 1008
    assert page.bodies == []


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:7861", "https://127.0.0.1:7860", "", "http://"],
)
def test_another_origin_is_refused(page: Page, origin: str) -> None:
    for path in ("/gradio_api/upload", "/gradio_api/queue/join"):
        assert page.ask("POST", path, b"{}", origin=origin) == 403
    assert page.bodies == []


@pytest.mark.parametrize(
    "path",
    ["http://169.254.169.254/latest", "https://evil.example/a.png", "HTTP://x", " http://x", "ftp://x",
     "file:///etc/passwd", "data:image/png;base64,AAAA", "//evil.example/x", "\\\\evil\\share"],
)  # fmt: skip
def test_an_address_is_no_file(page: Page, path: str) -> None:
    for data in ({"path": path}, [[{"value": {"path": path, "url": None}}]], {"data": ["a", {"path": path}]}):
        assert page.ask("POST", "/gradio_api/queue/join", json.dumps(data).encode()) == 403
    assert page.ask(path=f"/gradio_api/file={path}") == (403 if "://" in path else 200)
    assert len(page.bodies) == ("://" not in path)


@pytest.mark.parametrize("path", ["/tmp/dnaf-ui-x/photo.png", "C:\\Temp\\photo.png", "photo.png"])
def test_an_uploaded_file_is_one(page: Page, path: str) -> None:
    body = json.dumps({"data": [{"path": path, "url": f"http://{OWN}/gradio_api/file={path}"}]}).encode()
    assert page.ask("POST", "/gradio_api/queue/join", body) == 200
    assert page.bodies == [body]


def test_uploads_together_have_a_limit(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_STORED", 100_000)
    assert page.ask("POST", "/gradio_api/upload", b"x", **{"content-length": "100000"}) == 200
    assert page.ask("POST", "/gradio_api/upload", b"x", **{"content-length": "100001"}) == 413
    for number in range(20):  # of a byte each, which take a block each
        (tmp_path / f"{number}.png").write_bytes(b"x")
    assert page.ask("POST", "/gradio_api/upload", b"x", **{"content-length": "20000"}) == 413
    assert page.ask("POST", "/gradio_api/upload", b"x", **{"content-length": "10000"}) == 200


def test_a_body_says_how_long_it_is_and_is_not_too_long(page: Page) -> None:
    for value, status in (("-", 411), ("x", 411), ("-1", 411), ("1000001", 413)):
        assert page.ask("POST", "/gradio_api/queue/join", b"{}", **{"content-length": value}) == status
    assert page.ask("POST", "/gradio_api/queue/join", b"[" * 100_000) == 200  # Gradio's to refuse
    assert page.bodies == [b"[" * 100_000]
