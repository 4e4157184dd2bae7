"""The gate: every request passes it before anything of the program, or of gradio, sees it."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.access import Access, client_address
from app.server.limits import check_size, LimitedBody, Limits, Traffic
from app.server.refusals import RefusedError
from app.server.response_headers import secure
from app.server.responses import error_response, is_broken_off
from app.server.same_site import check_kind, check_origin, HostNames
from app.server.sign_in import SignIn


class Gate:
    """An ASGI application around the server's own. `workspace` is the folder that uploads go to."""

    def __init__(self, app: ASGIApp, names: HostNames, access: Access, workspace: Path, limits: Limits | None = None) -> None:
        self.app = app
        self._names = names
        self._access = access
        self._workspace = workspace
        self._limits = limits or Limits()
        self._sign_in = SignIn(access)
        self._traffic = Traffic(self._limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket, which nothing here uses
            await send({"type": "websocket.close", "code": 1008})
            return
        path = scope["path"]

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure(MutableHeaders(scope=message), path)
            await send(message)

        try:
            await self._pass(Request(scope), receive, send_secured)
        except RefusedError as refused:
            answer = error_response(refused.status, str(refused))
            answer.headers.update(refused.headers)
            await answer(scope, receive, send_secured)

    async def _pass(self, request: Request, receive: Receive, send: Send) -> None:
        self._names.check(request)
        check_origin(request)
        check_kind(request)
        visitor = self._access.visitor(request)
        with self._traffic.one(visitor or f"stranger {client_address(request)}"):
            check_size(request, self._limits, self._workspace)
            most, sentence = self._limits.of_body(request.scope["path"])
            body, answered, whole = LimitedBody(receive, most), False, False

            async def send_unless_refused(message: Message) -> None:
                nonlocal answered, whole
                if answered or not body.too_large:
                    answered = True
                    await send(message)
                    whole = message["type"] == "http.response.body" and not message.get("more_body")

            try:
                answer = await self._sign_in.answer(Request(request.scope, body), inside=visitor is not None)
                await (answer or self.app)(request.scope, body, send_unless_refused)
            except ClientDisconnect:
                if not body.too_large:
                    raise
            except Exception as error:
                if is_broken_off(error):  # a stream of events that has no more to tell
                    await send_unless_refused({"type": "http.response.body", "body": b""})
                elif not whole:  # else it is reported, and the answer says so
                    raise
            if body.too_large and not answered:
                raise RefusedError(413, sentence)
