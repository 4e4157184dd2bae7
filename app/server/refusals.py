"""A request that is not answered as asked: why, in one sentence, with the status that says so."""

from __future__ import annotations

from collections.abc import Mapping


class RefusedError(Exception):
    """Ends a request before the program behind the gate sees it.

    Attributes:
        status: The HTTP status.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
