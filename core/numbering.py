"""Which number a picture's name carries: the run of digits that counts upward over the names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_DIGITS = re.compile(r"\d{1,18}")  # longer runs are no numbers of frames


def numbers_of(names: Sequence[str]) -> list[int | None]:
    """The number in each name; None for a name without digits.

    Names may hold other digits as well: `frame_0001_x2`, `shot3_take2_0001`, `1920x1080-7`. All
    names are looked at together. The number is the run of digits, counted from the front or from
    the back of the name, in which no two names agree; of several such runs the one that leaves the
    fewest numbers out, then the longest, then the last. Where two names agree in every run, that in
    which the fewest agree.

    Args:
        names: File names without their endings, in any order.

    Returns:
        As many numbers as there are names. Two may be equal: see `twins_of`.
    """
    found = [_DIGITS.findall(name) for name in names]
    runs = [digits for digits in found if digits]
    if not runs:
        return [None] * len(names)
    shortest = min(len(digits) for digits in runs)
    best = max([*range(shortest), *range(-shortest, 0)], key=lambda position: _rank([digits[position] for digits in runs], position))
    return [int(digits[best]) if digits else None for digits in found]


def _rank(run: list[str], position: int) -> tuple[int, int, int, int, int]:
    numbers = {int(digits) for digits in run}
    return len(numbers), min(numbers) - max(numbers), min(len(digits) for digits in run), position < 0, position


def twins_of(numbers: Sequence[int | None]) -> tuple[int, int] | None:
    """The positions of the first two equal numbers; None when all differ."""
    seen: dict[int, int] = {}
    for position, number in enumerate(numbers):
        if number is None:
            continue
        if number in seen:
            return seen[number], position
        seen[number] = position
    return None


def gaps_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of numbers between which others are left out, in order.

    The smallest step between two numbers counts as usual, so 0, 10, 20 has no gap.

    Args:
        numbers: All different, in any order.

    Returns:
        (number before, number after) of each gap.
    """
    steps = list(pairwise(sorted(numbers)))
    usual = min((after - before for before, after in steps), default=1)
    return [(before, after) for before, after in steps if after - before > usual]
