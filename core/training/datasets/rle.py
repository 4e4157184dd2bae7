"""COCO's run lengths: masks as counts down the columns, plain numbers or packed into a string."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def decode_rle(counts: str | Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """bool (H, W). `counts` are run lengths, False first, along the columns; ValueError when they don't make up the picture.

    The string packs each number into characters from code 48: five bits a character, the lowest first, a sixth bit says that more follow,
    the last one carries the sign; from the fourth number on, each is the difference to the one two before.
    """
    runs = unpack_counts(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f"run lengths of {sum(runs)} pixels, where {width}x{height} has {height * width}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(width, height).T


def unpack_counts(text: str) -> list[int]:
    """The numbers that a packed string stands for; ValueError for a string that is none."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"'{character}' has no place in packed run lengths")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("packed run lengths that end in the middle of a number")
    return runs
