"""Words that several messages are made of."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, what: str) -> str:
    """ "1 frame", "48 frames"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def duration(seconds: float) -> str:
    """A length of time in words, rounded for reading."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600:.1f} h"


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
