"""Which of many signatures nearly repeat an earlier one, in time that grows with their number.

A signature is one 64-bit hash for each of a few frames; two are alike when their hashes differ in
at most N bits in the mean. Then there is a frame on which they differ in at most N bits. Cut into
N + c blocks, the hashes of that frame agree in c of them at least. So for every choice of c blocks
the signatures are sorted by the bits of these, and only neighbours that agree in all of them are
compared. The more there are, the more bits they have to agree in, so that about as few do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

BITS = 64
_REACH = 256
"""Neighbours that one signature is compared with in one order. More agree only where very many
frames are nearly the same, as black ones are; then those further away are not looked at."""
_SORTING = 20
"""What putting a signature in order costs, in comparisons."""

Codes = NDArray[np.uint64]


def repeats(codes: Codes, most: int) -> dict[int, float]:
    """Find what nearly repeats something earlier.

    Args:
        codes: Signatures in order, (N, frames).
        most: Bits of 64 in which two that are alike differ, in the mean of their frames.

    Returns:
        The rows of those that repeat one that itself stays, and in how many bits they differ from
        the nearest such.
    """
    unique, first, same = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # unique rows by where each comes first
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    unique, first = unique[order], first[order]
    like: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for one, two, distance in _pairs(unique, most):
        for early, late, bits in zip(one.tolist(), two.tolist(), distance.tolist(), strict=True):
            like[late][early] = bits
    found: dict[int, float] = {}
    nearest = np.zeros(len(unique))
    gone = np.zeros(len(unique), np.bool_)
    for late in sorted(like):
        stay = [bits for early, bits in like[late].items() if not gone[early]]
        if stay:
            gone[late], nearest[late] = True, min(stay)
    rows = place[same.reshape(-1)]
    copies = np.arange(len(codes)) != first[rows]
    for row in np.flatnonzero(gone[rows] | copies).tolist():
        found[row] = float(nearest[rows[row]])
    return found


def _pairs(codes: Codes, most: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Rows that are alike, the earlier first, some of them more than once; and their distances."""
    count, frames = codes.shape
    for chosen in _choices(count, most):
        mask = np.uint64(sum(1 << bit for low, high in chosen for bit in range(low, high)))
        for frame in range(frames):
            column = codes[:, frame]
            keys = column & mask
            order = np.argsort(keys, kind="stable")
            keys, sorted_column = keys[order], column[order]
            there = np.arange(count - 1)
            for apart in range(1, _REACH + 1):
                there = there[there < count - apart]
                there = there[keys[there] == keys[there + apart]]
                if not len(there):
                    break
                near = there[np.bitwise_count(sorted_column[there] ^ sorted_column[there + apart]) <= most]
                one, two = order[near], order[near + apart]
                distance = np.bitwise_count(codes[one] ^ codes[two]).sum(1, dtype=np.int64) / frames
                alike = distance <= most
                one, two = one[alike], two[alike]
                yield np.minimum(one, two), np.maximum(one, two), distance[alike]


def _choices(count: int, most: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Of each order the blocks that it sorts by, as (first, stop) bits: as many as cost least."""
    most = min(most, BITS - 1)

    def cost(agreeing: int) -> float:
        parts = most + agreeing
        return comb(parts, agreeing) * (_SORTING + min(_REACH, count / 2 ** (BITS * agreeing / parts)))

    agreeing = min(range(1, min(5, BITS - most + 1)), key=cost)
    edges = [BITS * part // (most + agreeing) for part in range(most + agreeing + 1)]
    yield from combinations(list(pairwise(edges)), agreeing)
