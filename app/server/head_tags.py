"""The page as it is served: tags in its head, and what its scripts may do.

gradio adds what a page asks for once its own scripts run. What stands in the served page is fetched
while those are still on their way.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.response_headers import page_policy

_MANIFEST = b'<link rel="manifest"'
"""Browsers ask for this file without the cookie that lets them in, unless they are told to."""


class HeadTags:
    """Puts `tags` at the beginning of the head of the page at /, and the page's content security
    policy on it.

    The address's query is for the page's own script; gradio, which would load a state by it, never
    sees it.
    """

    def __init__(self, app: ASGIApp, tags: str, also_run: Sequence[str] = ()) -> None:
        """`also_run` are inline scripts that the page adds later."""
        self.app = app
        self.tags = tags.encode()
        self.also_run = [text.encode() for text in also_run]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        held: Message | None = None  # the response's start: its length is known with the first part of the body

        async def send_with_tags(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                held = message
                return
            if held is not None:
                body = message.get("body", b"")
                tagged = body.replace(b"<head>", b"<head>" + self.tags, 1)
                tagged = tagged.replace(_MANIFEST, _MANIFEST + b' crossorigin="use-credentials"', 1)
                headers = MutableHeaders(raw=held["headers"])
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = page_policy(tagged, self.also_run)
                if "content-length" in headers:
                    headers["content-length"] = str(int(headers["content-length"]) + len(tagged) - len(body))
                await send(held)
                held = None
                message = {**message, "body": tagged}
            await send(message)

        await self.app({**scope, "query_string": b""}, receive, send_with_tags)
