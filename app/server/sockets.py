"""The socket that the server listens on: the port that was asked for, or the next free one."""

from __future__ import annotations

import socket
import sys

from core.errors import InputError

PORTS_TO_TRY = 64


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `port` or the first free one after it (0: any)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last: OSError | None = None
    for candidate in range(port, min(port + PORTS_TO_TRY, 65536)):
        # named as TCP, or asyncio doesn't see that it is and leaves Nagle's algorithm on: every
        # answer's body then waits 40 ms for its head
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":
            # elsewhere this lets a port be taken again right after it was let go; on Windows it
            # would let two programs share one
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
            return listener
        except OSError as error:
            listener.close()
            last = error
    raise InputError(
        f"can't listen on {host} port {port} or the {PORTS_TO_TRY - 1} after it "
        f"({last.strerror if last else 'no such port'}): name another with --port"
    )
