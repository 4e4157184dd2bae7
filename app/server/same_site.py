"""What tells the editor's own page, and programs, from pages of other sites.

A browser lets every page send requests to every server, this one too, and says with each where it
comes from. Nothing here keeps out a program that says what it likes: see `app.server.access`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from app.server.refusals import RefusedError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
OWN_HEADER = "x-vivid-studio"
"""A page of another site cannot send it without asking first, and is told no."""

READING = ("GET", "HEAD")
SIGN_IN = "/studio/sign-in"
UPLOAD = "/gradio_api/upload"

_PAGE = r"|theme\.css|favicon\.ico|manifest\.json|assets/.+|static/.+|studio/.+|config/?"
_API = (
    r"component_server/?|info/?|app_id/?|theme\.css|startup-events|heartbeat/[\w-]+|upload/?|upload_progress|file=.+"
    r"|queue/(join|data|status)|call/(v2/)?\w+(/\w+)?/?|(run|api)/\w+/?|cancel/?|reset/?"
)
_SERVED = re.compile(rf"/({_PAGE}|gradio_api/({_API}))")
"""What the page and gradio_client ask for. gradio answers much more: a proxy, recordings, an editor
of the page's own code.
"""


_HOST = re.compile(r"(?P<name>[\w.-]+)(:\d+)?|\[(?P<number>[\da-fA-F:.%\w]+)\](:\d+)?", re.ASCII)
"""What the header Host may be; with more in it, addresses made from it would lead elsewhere."""


class HostNames:
    """The names that this server may be called by.

    Another site can point a name of its own at this machine, and its page then counts as one of
    this server: so only names that are known to be ours are answered. An address that is a number
    can't be pointed anywhere.
    """

    def __init__(self, host: str, more: Iterable[str] = ()) -> None:
        names = {*LOOPBACK, *more}
        self._any_address = host not in LOOPBACK
        if self._any_address:
            here = socket.gethostname()
            names |= {host, here, f"{here.split('.')[0]}.local", socket.getfqdn()}
        self._names = {name.lower().rstrip(".") for name in names}

    def check(self, request: Request) -> None:
        """RefusedError when the request calls the server by a name that is not its own."""
        found = _HOST.fullmatch(request.headers.get("host", ""))
        name = (found["name"] or found["number"]).lower().rstrip(".") if found else ""
        if name in self._names or (self._any_address and _is_address(name)):
            return
        said = request.headers.get("host", "")[:100]
        raise RefusedError(421, f"this server isn't known as '{said}': use the address that it printed, or start it with --name")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def opens_page(request: Request) -> bool:
    """Whether a person goes to the page, by a link or the address bar."""
    headers = request.headers
    whole = headers.get("sec-fetch-mode", "navigate") == "navigate" and headers.get("sec-fetch-dest", "document") == "document"
    return request.method in READING and request.scope["path"] == "/" and whole


def comes_from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site, or another port of this machine, is asking."""
    host = headers.get("host", "").lower()
    for name in ("origin", "referer"):
        said = headers.get(name)
        if said is not None and _place(said.lower()) != host:
            return True
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _place(address: str) -> str:
    """Name and port in an address; nothing for what is no address."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def check_origin(request: Request) -> None:
    """RefusedError for what a page of another site asks for.

    It may lead people to the page, no more.
    """
    said = request.headers.get("origin")
    if comes_from_elsewhere(request.headers) and not (opens_page(request) and said is None):
        raise RefusedError(
            403,
            f"this was asked for by a page of another site ({(said or 'not named')[:100]}): only the editor's own page may do that"
            " (a proxy in front of it has to pass the header Host on)",
        )


def check_kind(request: Request) -> None:
    """RefusedError for a method, a path or a type of body that neither the page nor a client
    has.
    """
    path = request.scope["path"]
    if request.method not in (*READING, "POST"):
        raise RefusedError(405, f"{request.method[:20]} is nothing that this server does", {"Allow": "GET, HEAD, POST"})
    if not _SERVED.fullmatch(path):
        raise RefusedError(404, f"there is nothing at {path[:200]}")
    if request.method in READING:
        return
    if path.startswith("/studio/") and path != SIGN_IN:
        if request.headers.get(OWN_HEADER) != "1":
            raise RefusedError(403, "this comes from the editor's page only")
        return
    wanted = {SIGN_IN: "application/x-www-form-urlencoded", UPLOAD: "multipart/form-data"}.get(path.rstrip("/"), "application/json")
    sent = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sent != wanted:
        raise RefusedError(415, f"send this as {wanted}, not as {sent[:100] or 'nothing named'}")
