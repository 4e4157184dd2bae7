"""What is the same for everybody as long as the program runs: the page, its scripts and styles.

Each is made once and kept, packed too, with a mark by which a browser sees that its copy is still
good. gradio would put the page together, and pack every file, for each visit.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections import defaultdict, OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.responses import FOREVER, FRESH

_FIXED = re.compile(r"/|/theme\.css|/(assets|static)/.+|/studio/page\.css|/studio/js/.+")
_PACKED = re.compile(r"text/|application/(javascript|json)|image/svg")
_HASHED = re.compile(r"/assets/.+-[\w-]{8}\.\w+")
"""gradio's files whose names change with their content."""

_KEPT = 400
"""Answers that are kept; those that were asked for longest ago go first."""

_PLACE = ("host", "x-forwarded-host", "x-forwarded-proto", "forwarded")
"""Headers on which the page depends, which has its own address in it."""


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    packed: bytes | None
    mark: str


class FixedFiles:
    """Answers for what is fixed by itself, and lets everything else through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._answers: OrderedDict[tuple[str, ...], _Answer] = OrderedDict()
        self._making: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "GET" or not _FIXED.fullmatch(path):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = (path, *(headers.get(name, "") for name in _PLACE)) if path == "/" else (path,)
        if key not in self._answers:
            try:
                async with self._making[key]:
                    if key not in self._answers:
                        made = await self._make(scope, receive)
                        if made.status != 200:
                            await _send(made, headers, send)
                            return
                        self._answers[key] = made
                        while len(self._answers) > _KEPT:
                            self._answers.popitem(last=False)
            finally:
                self._making.pop(key, None)
        self._answers.move_to_end(key)
        await _send(self._answers[key], headers, send)

    async def _make(self, scope: Scope, receive: Receive) -> _Answer:
        """What the program answers to this, whole and unpacked."""
        conditional = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range", b"if-range")
        plain = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in conditional]}
        start: Message = {}
        body = bytearray()

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        await self.app(plain, receive, take)
        headers = MutableHeaders(raw=list(start["headers"]))
        path = scope["path"]
        for name, value in (FOREVER if _HASHED.fullmatch(path) else FRESH).items():
            headers.setdefault(name, value)
        for name in ("content-length", "etag", "last-modified", "accept-ranges"):
            del headers[name]
        content = bytes(body)
        packed = gzip.compress(content, 6, mtime=0) if _PACKED.match(headers.get("content-type", "")) and len(content) > 500 else None
        if packed is not None:
            headers["Vary"] = "Accept-Encoding"
        mark = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
        return _Answer(start["status"], headers.raw, content, packed, mark)


async def _send(answer: _Answer, asked: Headers, send: Send) -> None:
    headers = MutableHeaders(raw=list(answer.headers))
    status, body = answer.status, answer.body
    if status == 200:
        headers["ETag"] = answer.mark
        if answer.mark in asked.get("if-none-match", ""):
            status, body = 304, b""
        elif answer.packed is not None and "gzip" in asked.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = answer.packed
    if status != 304:
        headers["Content-Length"] = str(len(body))
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
