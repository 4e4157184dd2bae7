"""Shapes that a person draws on some frames: what an object is there, and between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from core.errors import InputError

Point = tuple[float, float]

FEWEST, MOST_POINTS = 3, 500
MOST_KEYS = 2000
FARTHEST = 1e5
"""Pixels from the frame's corner at which a point may lie."""


@dataclass(frozen=True)
class ShapeKey:
    """A shape as it was drawn on a frame: its points in source pixels, in order around it. Without
    points the object is not there from this frame on, until the next one that was drawn.
    """

    frame: int
    points: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if self.frame < 0:
            raise InputError(f"a shape can't be drawn on frame {self.frame}: frames count from 0")
        if self.points and not FEWEST <= len(self.points) <= MOST_POINTS:
            raise InputError(f"a shape of {len(self.points)} points can't be drawn: give {FEWEST} to {MOST_POINTS}")
        if not all(math.isfinite(value) and abs(value) <= FARTHEST for point in self.points for value in point):
            raise InputError(f"a point of the shape is too far away: keep it within {FARTHEST:g} pixels of the frame")


@dataclass(frozen=True)
class DrawnShape:
    """A shape through time: as it was drawn on its `keys`, which ascend in time, in between on the
    way from the one to the next, and before the first and after the last as it is there. With
    `curve` its outline is a smooth curve through the points, else straight lines.
    """

    keys: tuple[ShapeKey, ...]
    curve: bool = False

    def __post_init__(self) -> None:
        frames = [key.frame for key in self.keys]
        if not frames or len(frames) > MOST_KEYS or frames != sorted(set(frames)):
            raise InputError(f"a shape needs 1 to {MOST_KEYS} frames that it is drawn on, each once and in order")
        if not any(key.points for key in self.keys):
            raise InputError("the shape has no points on any frame: draw it on one")

    def with_key(self, key: ShapeKey) -> DrawnShape:
        """The same, drawn so on the frame of `key`."""
        others = [other for other in self.keys if other.frame != key.frame]
        return replace(self, keys=tuple(sorted((*others, key), key=lambda one: one.frame)))

    def scaled(self, across: float, down: float) -> DrawnShape:
        """The same on a video of another size.

        Args:
            across: The other video's width over this one's.
            down: The other video's height over this one's.

        Returns:
            The shape with its points there.
        """
        keys = (replace(key, points=tuple((x * across, y * down) for x, y in key.points)) for key in self.keys)
        return replace(self, keys=tuple(keys))

    def points_at(self, frame: int) -> tuple[Point, ...]:
        """Its points on a frame; none where the object is not there."""
        before = [key for key in self.keys if key.frame <= frame]
        after = [key for key in self.keys if key.frame > frame]
        if not before:
            return after[0].points
        one = before[-1]
        if not after or not one.points or not after[0].points or one.frame == frame:
            return one.points
        share = (frame - one.frame) / (after[0].frame - one.frame)
        start, end = one.points, after[0].points
        if len(start) != len(end):
            start, end = matched(start, end)
        return tuple(((1 - share) * x + share * u, (1 - share) * y + share * v) for (x, y), (u, v) in zip(start, end, strict=True))


RESAMPLED = 96
"""Points between shapes that were drawn with another number of them."""


def evenly(points: tuple[Point, ...], count: int) -> tuple[Point, ...]:
    """So many points at even distances around a closed shape, the first one first."""
    ring = (*points, points[0])
    far = [0.0]
    for (x, y), (u, v) in pairwise(ring):
        far.append(far[-1] + math.hypot(u - x, v - y))
    result, side = [], 0
    for number in range(count):
        at = far[-1] * number / count
        while side < len(points) - 1 and far[side + 1] < at:
            side += 1
        length = far[side + 1] - far[side]
        share = (at - far[side]) / length if length else 0.0
        (x, y), (u, v) = ring[side], ring[side + 1]
        result.append((x + share * (u - x), y + share * (v - y)))
    return tuple(result)


@lru_cache(8)  # asked for on every frame between the two
def matched(start: tuple[Point, ...], end: tuple[Point, ...]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Two shapes of different numbers of points with as many of them, each beside its own."""
    count = max(len(start), len(end), RESAMPLED)
    start = evenly(start, count)
    return start, nearest_turn(start, evenly(end, count))


def nearest_turn(start: tuple[Point, ...], end: tuple[Point, ...]) -> tuple[Point, ...]:
    """The points of `end` beginning with the one, and in the direction, that has the shortest way
    from `start` for all of them together.
    """

    def way(points: tuple[Point, ...]) -> float:
        return sum(math.hypot(u - x, v - y) for (x, y), (u, v) in zip(start, points, strict=True))

    both = (end, tuple(reversed(end)))
    return min((points[turn:] + points[:turn] for points in both for turn in range(len(points))), key=way)
