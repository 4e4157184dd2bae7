"""What the routes of the server answer with: how long a browser may keep it, and errors as one
line.
"""

from __future__ import annotations

from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from core.project.plain import printable

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""For what never changes under its address: frames of a clip, masks of a revision, files named by
their content.
"""

FRESH = {"Cache-Control": "private, no-cache"}


def error_response(status: int, message: str) -> PlainTextResponse:
    """An error as one line of text."""
    return PlainTextResponse(printable(message), status_code=status, headers=FRESH)


def is_broken_off(error: Exception) -> bool:
    """Whether an error only says why an answer that had begun has ended: it is none of the
    program's.
    """
    return isinstance(error, RuntimeError) and isinstance(error.__cause__, HTTPException)
