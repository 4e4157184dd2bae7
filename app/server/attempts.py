"""Wrong passwords: how many, from where, and how long to wait after too many."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import deque

ONE = 10
"""Wrong tries from one address until it has to wait."""

ALL = 300
"""Wrong tries from all addresses together: guessing from many places is guessing too."""

SPAN = 300.0
"""Seconds until a wrong try is forgotten."""


class Attempts:
    """The wrong tries of the last minutes. Safe to use from several threads."""

    def __init__(self) -> None:
        self._tries: deque[tuple[float, str, bytes]] = deque()
        self._lock = threading.Lock()

    def note(self, client: str, given: bytes) -> None:
        """Remember a wrong try of a client's address, with a digest of what was `given`: the same
        again is no further guess, but a header that a proxy adds to every request.
        """
        network = _network(client)
        with self._lock:
            now = self._forget()
            if not any((where, what) == (network, given) for _, where, what in self._tries):
                self._tries.append((now, network, given))

    def wait(self, client: str) -> int:
        """Seconds that a client has to wait; 0 when it may try."""
        network = _network(client)
        with self._lock:
            now = self._forget()
            mine = [when for when, where, _ in self._tries if where == network]
            everyone = [when for when, *_ in self._tries]
        for times, most in ((mine, ONE), (everyone, ALL)):
            if len(times) >= most:
                return max(1, round(times[-most] + SPAN - now))
        return 0

    def _forget(self) -> float:
        now = time.monotonic()
        while self._tries and self._tries[0][0] < now - SPAN:
            self._tries.popleft()
        return now


def _network(client: str) -> str:
    """What one person has of addresses: with IPv6 that is not one but a network of them."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    return str(ipaddress.ip_network(f"{address}/{64 if address.version == 6 else 32}", strict=False))
