"""The gate: every request passes it before anything of the program, or of gradio, sees it."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.access import Access
from app.server.refusals import RefusedError
from app.server.response_headers import secure
from app.server.responses import error_response
from app.server.same_site import check_kind, check_origin, HostNames
from app.server.sign_in import SignIn


class Gate:
    """An ASGI application around the server's own."""

    def __init__(self, app: ASGIApp, names: HostNames, access: Access) -> None:
        self.app = app
        self._names = names
        self._sign_in = SignIn(access)

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
            await self._pass(Request(scope, receive), receive, send_secured)
        except RefusedError as refused:
            answer = error_response(refused.status, str(refused))
            answer.headers.update(refused.headers)
            await answer(scope, receive, send_secured)

    async def _pass(self, request: Request, receive: Receive, send: Send) -> None:
        self._names.check(request)
        check_origin(request)
        check_kind(request)
        answer = await self._sign_in.answer(request)
        await (answer or self.app)(request.scope, receive, send)
