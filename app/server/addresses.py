"""The addresses that the program prints: its own, and what people at other machines need."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlencode

from app.server.access import Access
from app.server.same_site import LOOPBACK
from app.settings import Settings

EVERYWHERE = ("0.0.0.0", "::", "")
"""What `--host` is for all addresses of a machine."""


def address(host: str, port: int) -> str:
    """The address of a server that listens on `host`, as this machine reaches it."""
    name = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def with_token(url: str, token: str) -> str:
    """The address that lets a browser in; the plain one where there is no token."""
    return f"{url}/?{urlencode({'token': token})}" if token else url


def words_for_others(settings: Settings, access: Access, url: str) -> Iterator[str]:
    """What to print on a server that others can reach, besides its own address.

    Args:
        settings: The server's settings.
        access: What lets people in.
        url: The server's address as this machine reaches it.

    Returns:
        The lines, none for a server of this machine only.
    """
    if settings.host in LOOPBACK:
        return
    if settings.host in EVERYWHERE:
        url = address(_own_address(), int(url.rpartition(":")[2]))
    if access.is_open:
        yield f"Anyone can use it at {url}: leave out --no-token to let in only people with the token."
    elif access.has_password:
        yield f"Others sign in at {url} with the password."
    else:
        yield f"Others open {with_token(url, access.token)}"


def _own_address() -> str:
    """The address of this machine on its network, or its name where that can't be told."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))  # sends nothing; the system chooses the address to send from
        return str(asking.getsockname()[0])
    return socket.gethostname()
