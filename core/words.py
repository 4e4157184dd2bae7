"""Words that several messages are made of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, ROUND_HALF_UP


def counted(number: int, what: str) -> str:
    """ "1 frame", "48 frames"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def duration(seconds: float) -> str:
    """A length of time in words, rounded as the page rounds it (`shortDuration` and `duration` of
    format.js), so that one time never reads in two ways.
    """
    if seconds < 90:
        return f"{_rounded(seconds, 1 if seconds < 10 else 0)} s"
    return f"{_rounded(seconds / 60)} min" if seconds < 5400 else f"{_rounded(seconds / 3600, 1).removesuffix('.0')} h"


def _rounded(number: float, digits: int = 0) -> str:
    """Half of the last digit goes up, where Python's own formatting goes to the even one."""
    return str(Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def listed(numbers: Sequence[int], most: int = 8) -> str:
    """Ascending numbers in words: "3, 7-9".

    Args:
        numbers: In order, all different.
        most: How many numbers and ranges are named; of more it is said that they go on.

    Returns:
        The words; empty for no numbers.
    """
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    named = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:most]]
    return ", ".join([*named, "..."] if len(ranges) > most else named)
