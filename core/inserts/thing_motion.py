"""How an insert moves with a thing: as the part of it does that it lies on or beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.carrying.motion import ThingMotion
from core.carrying.whole import BETTER, Matrix, rigid_motion, thinned, tilted_motion
from core.geometry import FrameRange
from core.inserts.picture import moved_corners
from core.masks import bounding_box

Floats = NDArray[np.float32]
CornerPath = dict[int, NDArray[np.float64]]

REACHES = (1.0, 1.6, 2.6, 4.0)
"""How far from its middle, in its own half diagonals, the thing tells how an insert moves."""
HOLDS = 60
"""Correspondences that are needed for that."""
MISS = 3.0
"""Small pixels by which they may miss one motion."""
AGREE = 0.5
"""The share that has to agree."""
GROWS = 1.3
"""How many times more a part of the thing may grow than the whole."""
TILTS = 0.3
"""Share of the frames that only a tilt explains, from which on it tilts."""


class Things(Protocol):
    """Masks on demand."""

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> NDArray[np.bool_]: ...

    def is_empty(self, frame: int) -> bool: ...


def thing_path(
    motion: ThingMotion, corners: NDArray[np.float64], keyframe: int, things: Things, frames: FrameRange, visit: Callable[[int], None]
) -> CornerPath:
    """Move corners with a thing.

    Args:
        motion: The thing's motion from the keyframe.
        corners: (4, 2), where they are on the keyframe, in source pixels.
        keyframe: The keyframe; the thing is on it.
        things: The thing's masks.
        frames: The frames to find them on.
        visit: Called with each frame in the order in which its motion is found.

    Returns:
        The corners by frame, on the frames that show the thing.
    """
    near = _Near(motion, corners)
    there = [frame for frame in frames.frames if frame in things.frames and not things.is_empty(frame)]
    order = sorted(f for f in there if f > keyframe) + sorted((f for f in there if f < keyframe), reverse=True)
    pairs: dict[int, tuple[Floats, Floats, Floats, Floats]] = {}
    for frame in order:
        visit(frame)
        pairs[frame] = near.pairs(frame)
    tilts = [_only_tilts(start, end) for start, end, *_ in pairs.values()]
    tilted = bool(tilts) and sum(tilts) > TILTS * len(tilts)
    path: CornerPath = {keyframe: corners}
    for frame in order:
        found = _fitted(*pairs[frame], tilted)
        if found is not None:
            path[frame] = moved_corners(corners, motion.full_size(found))
    return _without_gaps(path, there, things)


class _Near:
    """The correspondences near an insert."""

    def __init__(self, motion: ThingMotion, corners: NDArray[np.float64]) -> None:
        self._motion = motion
        scale = np.array(motion.small_size) / np.array(motion.size)
        small = corners * scale - 0.5
        self._middle = small.mean(0)
        self._size = max(float(np.linalg.norm(small[0] - small[2]) + np.linalg.norm(small[1] - small[3])) / 4, 4.0)

    def pairs(self, frame: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Those near it, and all of them: places on the keyframe and on the frame, (N, 2) each."""
        start, end = self._motion.at(frame).pairs()
        far = np.linalg.norm(start - self._middle, axis=-1)
        for reach in REACHES:
            close = far < reach * self._size
            if close.sum() >= HOLDS:
                return *thinned(start[close], end[close]), *thinned(start, end)
        nearest = np.argsort(far, kind="stable")[:HOLDS]
        return start[nearest], end[nearest], *thinned(start, end)


def _only_tilts(start: Floats, end: Floats) -> bool:
    """Whether a tilt explains much more than a motion without one."""
    if len(start) < HOLDS:
        return False
    rigid, tilted = rigid_motion(start, end, MISS / 2), tilted_motion(start, end, MISS / 2)
    return tilted is not None and (rigid is None or tilted[1] > rigid[1] + BETTER)


def _fitted(start: Floats, end: Floats, all_start: Floats, all_end: Floats, tilted: bool) -> Matrix | None:
    """The motion near an insert, 3x3 in small pixels; that of the whole thing where the part near
    it can't be told; None where neither can.
    """
    whole = rigid_motion(all_start, all_end, MISS) if len(all_start) >= HOLDS else None
    if len(start) >= HOLDS:
        for found in (tilted_motion(start, end, MISS) if tilted else None, rigid_motion(start, end, MISS)):
            if found is None or found[1] < AGREE:
                continue
            if whole is None or whole[1] < AGREE or 1 / GROWS < _scale(found[0], start) / _scale(whole[0], start) < GROWS:
                return found[0]
    return whole[0] if whole is not None and whole[1] >= AGREE else None


def _scale(matrix: Matrix, start: Floats) -> float:
    """How many times as large places (N, 2) become."""
    middle = start.mean(0)
    square = middle + np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 4
    there = moved_corners(square, matrix)
    return max(float(np.linalg.norm(there[0] - there[2]) / np.linalg.norm(square[0] - square[2])), 1e-6)


def _without_gaps(path: CornerPath, there: list[int], things: Things) -> CornerPath:
    """The corners on frames that don't tell them: between two others the way from the one to the
    other, beyond the last as the thing's box moves.
    """
    known, result = sorted(path), dict(path)
    for frame in there:
        if frame in path:
            continue
        before = max((each for each in known if each < frame), default=None)
        after = min((each for each in known if each > frame), default=None)
        if before is not None and after is not None:
            share = (frame - before) / (after - before)
            result[frame] = (1 - share) * path[before] + share * path[after]
            continue
        last = before if before is not None else after
        one, two = (None if each is None else bounding_box(things[each]) for each in (last, frame))
        if last is not None and one is not None and two is not None:
            shift = np.array([two.x0 + two.x1 - one.x0 - one.x1, two.y0 + two.y1 - one.y0 - one.y1]) / 2
            result[frame] = path[last] + shift
    return result
