"""Near repeats are found as by comparing everything with everything."""

from __future__ import annotations

import numpy as np
import pytest

from core.curation import near


def by_hand(codes: np.ndarray, most: int) -> dict[int, float]:
    kept: list[int] = []
    found: dict[int, float] = {}
    for row, code in enumerate(codes):
        bits = [float(np.bitwise_count(codes[other] ^ code).mean()) for other in kept]
        if min(bits, default=64.0) <= most:
            found[row] = min(bits)
        else:
            kept.append(row)
    return found


@pytest.mark.parametrize("agreeing", [1, 2, 3, 4])
@pytest.mark.parametrize(("frames", "most"), [(1, 6), (4, 6), (4, 0), (2, 11)])
def test_repeats_are_those_of_comparing_all_with_all(monkeypatch: pytest.MonkeyPatch, agreeing: int, frames: int, most: int) -> None:
    """Whichever number of blocks has to agree: the most signatures, the more."""
    monkeypatch.setattr(near, "_SORTING", {1: 1e6, 2: 8.0, 3: 0.01, 4: 0.0}[agreeing])
    random = np.random.default_rng(agreeing)
    codes = random.integers(0, 2**64, (60, frames), np.uint64)
    for start in range(0, 60, 3):  # a chain of three, each a few bits from the one before
        for row in (start + 1, start + 2):
            codes[row] = codes[row - 1]
            for frame in range(frames):
                for bit in random.choice(64, random.integers(0, most + 3), replace=False):
                    codes[row, frame] ^= np.uint64(1) << np.uint64(bit)
    codes = codes[random.permutation(60)]
    codes[17] = codes[5]
    assert near.repeats(codes, most) == by_hand(codes, most)


def test_very_many_alike_are_not_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Black first frames: thousands that share one frame and differ in the others."""
    monkeypatch.setattr(near, "_REACH", 8)
    random = np.random.default_rng(0)
    codes = random.integers(0, 2**64, (500, 4), np.uint64)
    codes[:, 0] = 0
    codes[400] = codes[3]
    codes[401] = codes[4] ^ np.uint64(1)
    assert near.repeats(codes, 6) == {400: 0.0, 401: 1.0}
