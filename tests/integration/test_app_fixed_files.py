"""The page and its files are made once, packed, and fetched again only when they have changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from app.server.fixed_files import FixedFiles


class Counting:
    """An application that says who asked, and counts."""

    def __init__(self, status: int = 200) -> None:
        self.asked = 0
        self.status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        assert "accept-encoding" not in dict(Request(scope).headers)
        text = f"page for {Request(scope).headers['host']} " + "x" * 1000
        await Response(text, self.status, media_type="text/html; charset=utf-8")(scope, receive, send)


def test_the_page_is_made_once_for_each_name_of_the_server() -> None:
    app = Counting()
    client = TestClient(FixedFiles(app))
    for host in ("one", "two", "one", "two"):
        answer = client.get("/", headers={"host": host})
        assert answer.text.startswith(f"page for {host} ")
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) < 100
    plain = client.get("/", headers={"host": "one", "accept-encoding": "identity"})
    assert (plain.text[:12], "content-encoding" in plain.headers, plain.headers["vary"]) == ("page for one", False, "Accept-Encoding")
    assert app.asked == 2
    again = client.get("/", headers={"host": "one", "if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "private, no-cache")


@pytest.mark.parametrize(
    ("path", "kept"), [("/assets/index-Dphvyggs.js", "immutable"), ("/static/fonts/a.woff2", "no-cache"), ("/theme.css?v=1", "no-cache")]
)
def test_files_with_the_state_in_their_name_are_kept_for_good(path: str, kept: str) -> None:
    app = Counting()
    client = TestClient(FixedFiles(app))
    answers = [client.get(path, headers={"host": host}) for host in ("one", "two")]
    assert answers[0].content == answers[1].content
    assert app.asked == 1
    assert kept in answers[0].headers["cache-control"]


@pytest.mark.parametrize(("path", "status"), [("/", 500), ("/assets/none.js", 404), ("/studio/alive", 200), ("/config", 200)])
def test_errors_and_what_is_not_fixed_are_asked_for_each_time(path: str, status: int) -> None:
    calls = []

    async def app(scope: Scope, receive: Receive, send: Send) -> Any:
        calls.append(path)
        await PlainTextResponse("x", status)(scope, receive, send)

    files = FixedFiles(app)
    client = TestClient(files)
    assert [client.get(path).status_code for _ in range(2)] == [status, status]
    assert len(calls) == 2
    assert not files._making, "nothing is kept of what was no file"
