"""What reaches the page's server at all: requests of the page itself, with files that it may keep.

The server listens on this machine's own address alone, but every web site that is open in the browser can
send requests there: under a name of its own that points here (DNS rebinding), or to the address itself.
Their requests say so, in `Host` and `Origin`. An ASGI middleware, in front of Gradio.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost")
MAX_STORED = 200_000_000  # bytes of all files that are kept for the page at one time
_MAX_BODY = 1_000_000  # bytes of what is no upload; the table of joints has 2,000
_BLOCK = 4096  # bytes that the smallest file takes
_UPLOAD = "/upload"
_URL = re.compile(r"\s*([a-z][a-z0-9+.-]+:|//|\\\\)", re.IGNORECASE)  # C:\ is none


class Guard:
    """Refuses, by a status and a sentence, what is not the page's own request.

    Args:
        app: what answers the others.
        port: of the server.
        folder: where uploads are kept.
    """

    def __init__(self, app: App, port: int, folder: Path) -> None:
        self._app, self._folder = app, folder
        self._hosts = {f"{name}:{port}" for name in NAMES}
        self._arriving = 0  # bytes of uploads that are not in the folder yet

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await _answer(scope, send, 403, refusal)
        elif scope["type"] == "http" and scope["method"] == "POST":
            await self._post(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Message) -> str | None:
        hosts, origins = _headers(scope, b"host"), _headers(scope, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return f"Host: not this page's own (expected {' or '.join(sorted(self._hosts))})."
        if any(origin.lower().removeprefix("http://") not in self._hosts for origin in origins):
            return "Origin: another web site's (expected this page's own). Open the page itself."
        if "://" in scope["path"]:
            return "path: another address in it (expected a file of this page)."
        return None

    async def _post(self, scope: Message, receive: Receive, send: Send) -> None:
        length = _length(scope)
        if length is None:
            await _answer(scope, send, 411, "Content-Length: missing (expected the number of bytes).")
        elif scope["path"].rstrip("/").endswith(_UPLOAD):
            if _stored(self._folder) + self._arriving + length > MAX_STORED:
                text = (
                    f"upload: no more room (expected at most {MAX_STORED:,} bytes of all uploads together). "
                    "Wait until old ones are deleted, or start the page again."
                )
                await _answer(scope, send, 413, text)
                return
            self._arriving += length
            try:
                await self._app(scope, receive, send)
            finally:
                self._arriving -= length
        elif length > _MAX_BODY:
            await _answer(
                scope, send, 413, f"body: too large (found {length:,} bytes, at most {_MAX_BODY:,})."
            )
        else:
            body = await _read(receive)
            if _names_a_url(body):
                await _answer(scope, send, 403, "path: an address (expected an uploaded file). Upload it.")
                return
            await self._app(scope, _replay(body, receive), send)


def _headers(scope: Message, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _length(scope: Message) -> int | None:
    values = _headers(scope, b"content-length")
    return int(values[0]) if len(values) == 1 and values[0].isdecimal() else None


def _stored(folder: Path) -> int:
    """Bytes that the files below a folder take."""
    return sum(
        max(_BLOCK, os.lstat(Path(place) / name).st_size)
        for place, _, names in os.walk(folder)
        for name in names
        if os.path.lexists(Path(place) / name)  # Gradio deletes old ones meanwhile
    )


def _names_a_url(body: bytes) -> bool:
    """Whether some file of a request is an address: Gradio would fetch it, whatever it leads to."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return False  # Gradio refuses it
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and _URL.match(path):
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already, then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _answer(scope: Message, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = f"{text}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
