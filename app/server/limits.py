"""How much one visitor may ask for: sizes of bodies, requests a second, requests at a time."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.types import Message, Receive

from app.server.refusals import RefusedError
from app.server.same_site import READING, SIGN_IN, UPLOAD

GIGABYTE = 10**9

SPARE = GIGABYTE
"""Bytes of the disk that an upload has to leave free."""

_VISITORS = 10_000
"""Visitors that are remembered; those that have been quiet are forgotten first."""


@dataclass(frozen=True)
class Limits:
    """The most that is taken.

    Attributes:
        json: Bytes of a call.
        form: Bytes of a password, or of the report of a script error.
        upload: Bytes of an upload.
        per_second: Requests of one visitor a second, in the long run.
        at_once: Requests of one visitor in a short time.
        open: Requests of one visitor that are being answered.
    """

    json: int = 8 * 10**6
    form: int = 32_768
    upload: int = 50 * GIGABYTE
    per_second: float = 500.0
    at_once: int = 5000
    open: int = 500

    def of_body(self, path: str) -> tuple[int, str]:
        """The most bytes of a body sent to `path`, and the sentence for a larger one."""
        if path in (SIGN_IN, "/studio/fault"):
            return self.form, f"this is larger than {self.form} bytes, the most that is taken here"
        if path.startswith("/studio/") or path.rstrip("/") == UPLOAD:
            return self.upload, f"this file is larger than {_size(self.upload)}, the most that this server takes (--max-upload)"
        return self.json, f"this call is larger than {_size(self.json)}, the most that is taken"


class LimitedBody:
    """A body as it is received, which ends where it is larger than `most` bytes."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = most

    @property
    def too_large(self) -> bool:
        """Whether it was larger."""
        return self._left < 0

    async def __call__(self) -> Message:
        if self.too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.too_large else message


def check_size(request: Request, limits: Limits, workspace: Path) -> None:
    """RefusedError for a body that says itself that it is too large, or larger than the disk has
    room for.

    Args:
        request: The request, of which nothing is read.
        limits: What is taken.
        workspace: The folder that uploads go to.
    """
    said = request.headers.get("content-length", "0")
    size = int(said) if said.isdecimal() and len(said) < 20 else 0
    if request.method in READING or not size:
        return
    most, sentence = limits.of_body(request.scope["path"])
    if size > most:
        raise RefusedError(413, sentence)
    if size > limits.json and size > (free := shutil.disk_usage(workspace).free - SPARE):
        room = f"the disk of the workspace has room for {_size(max(0, free))}, and this file has {_size(size)}"
        raise RefusedError(507, f"{room}: free some space, then send it again")


class Traffic:
    """The requests of every visitor. Safe to use from several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # requests that a visitor may make, and when that was
        self._open: dict[str, int] = {}

    @contextlib.contextmanager
    def one(self, visitor: str) -> Iterator[None]:
        """Count a request of a visitor while it is answered; RefusedError when there are too
        many.
        """
        with self._lock:
            now = time.monotonic()
            left, when = self._left.get(visitor, (self._limits.at_once, now))
            left = min(self._limits.at_once, left + (now - when) * self._limits.per_second)
            if left < 1 or self._open.get(visitor, 0) >= self._limits.open:
                raise RefusedError(429, "too many requests at once: wait a second, then go on", {"Retry-After": "1"})
            self._left.pop(visitor, None)  # the latest stand last
            self._left[visitor] = (left - 1, now)
            if len(self._left) > _VISITORS:
                del self._left[next(iter(self._left))]
            self._open[visitor] = self._open.get(visitor, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._open[visitor] -= 1
                if not self._open[visitor]:
                    del self._open[visitor]


def _size(size: int) -> str:
    return f"{size / GIGABYTE:.3g} GB" if size >= GIGABYTE else f"{size / 1e6:.3g} MB"
