"""Tags in the head of the page as it is served.

gradio adds what a page asks for once its own scripts run. What stands in the served page is fetched
while those are still on their way.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadTags:
    """Puts `tags` at the beginning of the head of the page at /."""

    def __init__(self, app: ASGIApp, tags: str) -> None:
        self.app = app
        self.tags = tags.encode()

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
                headers = MutableHeaders(raw=held["headers"])
                if "content-length" in headers:
                    headers["content-length"] = str(int(headers["content-length"]) + len(tagged) - len(body))
                await send(held)
                held = None
                message = {**message, "body": tagged}
            await send(message)

        await self.app(scope, receive, send_with_tags)
