"""Calls of endpoints, looked at before gradio sees them: the name, and how many values.

gradio answers a call that does not fit by an error of its own, with a stack trace in the log.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.refusals import RefusedError
from core.errors import InputError, StorageError, StudioError

_CALL = re.compile(r"/gradio_api/(?P<how>run|api|call/v2|call)/(?P<name>\w+)/?|/gradio_api/queue/join")

_TITLES = {"Not possible": 400, "Out of reach": 503, "Disk": 507}
"""What an endpoint's error is titled, and the status of the answer to a call that waits for it."""

_MOST_OF_AN_ERROR = 100_000
"""Bytes of an answer that may be an error; a result is longer, or has no title."""


def title_of(error: StudioError) -> str:
    """The title by which an error of an endpoint is known here."""
    return "Disk" if isinstance(error, StorageError) else "Not possible" if isinstance(error, InputError) else "Out of reach"


class EndpointCalls:
    """Refuses what no endpoint can answer, and lets everything else through.

    An error that gradio would answer to a direct call by 500 gets the status that says whose error
    it is.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[int, tuple[str, inspect.Signature]]) -> None:
        """`endpoints` are the names, and what each takes, by gradio's numbers."""
        self.app = app
        self._endpoints = dict(endpoints.values())
        self._names = {number: name for number, (name, _) in endpoints.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _CALL.fullmatch(scope.get("path", "")) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        self._check(found["how"], found["name"], _parsed(body))
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return left.pop() if left else await receive()

        if found["how"] not in ("run", "api"):
            await self.app(scope, replay, send)
            return
        answer = _Answer(send)
        await self.app(scope, replay, answer)
        if answer.refused is not None:
            raise answer.refused

    def _check(self, how: str | None, name: str | None, asked: Any) -> None:
        """RefusedError for an endpoint that is not there, or too few or too many values."""
        if not isinstance(asked, dict):
            return  # gradio says what is wrong with it
        if (number := asked.get("fn_index")) is not None and how != "call/v2":  # gradio goes by it, whatever the address says
            named = self._names.get(number) if isinstance(number, int) else None
            name = named if name in (None, named) else None
        signature = self._endpoints.get(name or "")
        if signature is None:
            raise RefusedError(404, f"there is no endpoint '{name or asked.get('fn_index', '')}'"[:100] + ": docs/api.md lists them")
        if how == "call/v2":
            self._check_names(name, signature, asked.keys())
            return
        data = asked.get("data")
        if not isinstance(data, list):
            raise RefusedError(422, f'{name} takes its values as a list, {{"data": [...]}}: see docs/api.md')
        if len(data) != len(signature.parameters):
            raise RefusedError(422, f"{name} takes {_values(signature)}, not {len(data)}: see docs/api.md")

    @staticmethod
    def _check_names(name: str | None, signature: inspect.Signature, given: Any) -> None:
        needed = {one.name for one in signature.parameters.values() if one.default is one.empty}
        if needed - given or given - signature.parameters.keys():
            raise RefusedError(422, f"{name} takes {_values(signature)} by name, and {', '.join(sorted(needed)) or 'none'} at least")


class _Answer:
    """Passes an answer on, but keeps the error of an endpoint as what it is: `refused`."""

    def __init__(self, send: Send) -> None:
        self.refused: RefusedError | None = None
        self._send = send
        self._held: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500:
            self._held = message
            return
        if self._held is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        told = _parsed(bytes(self._body[:_MOST_OF_AN_ERROR]))
        status = _TITLES.get(told.get("title", "")) if isinstance(told, dict) else None
        if status is not None:
            self.refused = RefusedError(status, str(told["error"]))
            return
        await self._send(self._held)
        await self._send({"type": "http.response.body", "body": bytes(self._body)})


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _values(signature: inspect.Signature) -> str:
    names = ", ".join(signature.parameters)
    return f"{len(signature.parameters)} value{'s'[: len(signature.parameters) != 1]} ({names})" if names else "no values"
