"""What may stand in a document, as far as any JSON is concerned: text that can be written, numbers
that can be counted with, and no towers of lists.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

DEEPEST = 32
"""Lists and objects within one another, at most; documents have half as many."""

LARGEST = 2**63
"""What no whole number reaches, on either side of 0."""

_HALVES = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no text has by itself."""

_PATHS = ("source", "video")
"""Fields that name files: a name of a file may be no text on this system."""


def parse_json(text: str | bytes) -> Any:
    """Read JSON that somebody may have damaged or made up. Text that can't be written again is
    repaired.

    Args:
        text: The content of a file.

    Returns:
        The value.

    Raises:
        JSONDecodeError: It is no JSON.
        ValueError: It holds what no document can hold; the message says what.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deep", "", 0) from None
    return _checked(value, 0, repair=True)


def check_plain(value: Any) -> None:
    """Check a value that comes from outside: from a page, another program, or for a file.

    Args:
        value: What JSON knows.

    Raises:
        ValueError: It holds text that is none, a number that is none or too large, or it is nested
            too deep; the message says which.
    """
    _checked(value, 0, repair=False)


def printable(text: str) -> str:
    """The text with a replacement for what can't be written as UTF-8, such as parts of a file's
    name.
    """
    return _HALVES.sub("\ufffd", text)


def _checked(value: Any, depth: int, *, repair: bool) -> Any:
    if depth > DEEPEST:
        raise ValueError("it is nested too deep")
    if isinstance(value, str):
        if repair:
            return printable(value)
        if _HALVES.search(value):
            raise ValueError("it holds text that is not valid Unicode")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number")
    elif isinstance(value, int):
        if not -LARGEST < value < LARGEST:
            raise ValueError("a number is too large")
    elif isinstance(value, dict):
        return {_checked(name, depth, repair=repair): _field(name, inner, depth + 1, repair) for name, inner in value.items()}
    elif isinstance(value, list | tuple):
        return [_checked(inner, depth + 1, repair=repair) for inner in value]
    return value


def _field(name: Any, value: Any, depth: int, repair: bool) -> Any:
    return value if name in _PATHS and isinstance(value, str) else _checked(value, depth, repair=repair)
