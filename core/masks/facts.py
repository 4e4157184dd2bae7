"""What can be told of a mask from its run lengths, without unpacking its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box

SPECK = 0.02
"""Part of a mask's area below which a piece of it is dust and not counted."""


@dataclass(frozen=True)
class MaskFacts:
    """`area` in pixels, `centre` (x, y), `box` around it, `pieces` the areas of its parts that are
    no dust, largest first, `solidity` the share of its convex hull that it fills.

    Pixels that touch at a corner belong together. Of an empty mask `centre` and `box` are None and
    its solidity is 0.
    """

    area: int
    centre: tuple[float, float] | None
    box: Box[int] | None
    pieces: tuple[int, ...]
    solidity: float


EMPTY = MaskFacts(0, None, None, (), 0.0)


def facts_of(runs: NDArray[np.uint32], size: tuple[int, int]) -> MaskFacts:
    """Of the row-major positions at which a mask of (W, H) changes, starting from False."""
    if not len(runs):
        return EMPTY
    width, height = size
    edges = runs.astype(np.int64)
    if len(edges) % 2:
        edges = np.append(edges, width * height)
    begins, ends = _by_rows(edges[::2], edges[1::2], width)
    lengths = ends - begins
    rows, columns = np.divmod(begins, width)
    area = int(lengths.sum())
    x = float(((columns + (lengths - 1) / 2) * lengths).sum() / area)
    y = float((rows * lengths).sum() / area)
    box = Box(int(columns.min()), int(rows[0]), int((columns + lengths).max()), int(rows[-1]) + 1)
    pieces = _areas_of_pieces(lengths, rows, columns, width)
    solid = area / _hull_area(rows, columns, columns + lengths)
    return MaskFacts(area, (x, y), box, tuple(piece for piece in pieces if piece >= SPECK * area), solid)


def _hull_area(rows: NDArray, begins: NDArray, ends: NDArray) -> float:
    """Of the convex hull of runs, in pixels: around the corners of the pixels at their ends."""
    left, right = (np.stack([columns, rows], 1) for columns in (begins, ends))
    corners = np.concatenate([left, right, np.add(left, (0, 1)), np.add(right, (0, 1))]).astype(np.int32)
    return float(cv2.contourArea(cv2.convexHull(corners)))


def _by_rows(begins: NDArray, ends: NDArray, width: int) -> tuple[NDArray, NDArray]:
    """The same runs, cut where one goes on in the next row."""
    first, last = begins // width, (ends - 1) // width
    if (first == last).all():
        return begins, ends
    counts = last - first + 1
    rows = np.repeat(first, counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.maximum(np.repeat(begins, counts), rows * width), np.minimum(np.repeat(ends, counts), (rows + 1) * width)


def _areas_of_pieces(lengths: NDArray, rows: NDArray, columns: NDArray, width: int) -> list[int]:
    """Runs of one row and the next belong together where they touch; union by walking up to the
    root.
    """
    if (np.diff(rows) == 1).all():  # one run in every row, as most things have it: a piece ends where two don't touch
        stops = columns + lengths
        apart = np.flatnonzero((columns[1:] > stops[:-1]) | (columns[:-1] > stops[1:])) + 1
        return sorted(np.add.reduceat(lengths, np.concatenate([[0], apart])).tolist(), reverse=True)
    pitch = width + 2  # a column free on either side, so that no run touches one at the other side of the frame
    begins = rows * pitch + columns + 1
    ends = begins + lengths
    low = np.searchsorted(ends, begins + pitch, side="left")
    high = np.searchsorted(begins, ends + pitch, side="right")
    root = list(range(len(lengths)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    for index, (first, stop) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        for other in range(first, stop):
            root[find(other)] = find(index)
    areas: dict[int, int] = {}
    for index, length in enumerate(lengths.tolist()):
        home = find(index)
        areas[home] = areas.get(home, 0) + length
    return sorted(areas.values(), reverse=True)
