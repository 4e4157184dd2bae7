"""How things and backgrounds move: on shrunk frames, since a box or a mean does not need more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.curation.models import Flow, Masks
from core.curation.records import Box
from core.curation.views import ClipView, Frame

_SIDE = 384
"""Longer side of the shrunk frames, in pixels."""
_APART = (2, 4, 8)
"""Frames between those that moving things are looked for on; more where nothing is found."""
_MOVED = 1.0
"""Shrunk pixels from which on a pixel does not move as the background does."""
_CHANGED = 20.0
"""Levels by which a pixel has to change when the background is held still."""
_LEAST_SHARE, _MOST_SHARE = 0.003, 0.7
"""Of the frame that a moving thing covers, and that its box does."""
_POINTS = 4000
"""Pixels that a movement of the background is fitted to, at most."""

Affine = NDArray[np.float64]
"""(2, 3): where (x, y, 1) of a frame lies in the next one."""

IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def shrunk(frame: Frame) -> Frame:
    """The frame at the size that motion is looked at."""
    scale = _SIDE / max(frame.shape[:2])
    if scale >= 1:
        return frame
    return np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def fitted(flow: NDArray[np.float32], where: Masks) -> Affine:
    """Fit the movement of a rigid background to flow.

    Args:
        flow: Offsets (H, W, 2).
        where: The pixels to fit to, bool (H, W).

    Returns:
        Turn, zoom and shift; none of them where there is too little to tell.
    """
    rows, columns = np.nonzero(where)
    if len(rows) < 16:
        return IDENTITY.copy()
    step = max(1, len(rows) // _POINTS)
    rows, columns = rows[::step], columns[::step]
    before = np.stack([columns, rows], 1).astype(np.float32)
    after = before + flow[rows, columns]
    found, _ = cv2.estimateAffinePartial2D(before, after, method=cv2.RANSAC, ransacReprojThreshold=1.0)
    return IDENTITY.copy() if found is None else np.asarray(found, np.float64)


def moved_by(affine: Affine, shape: tuple[int, int]) -> NDArray[np.float32]:
    """The flow (H, W, 2) of a movement, for frames of (H, W) = `shape`."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x = affine[0, 0] * columns + affine[0, 1] * rows + affine[0, 2] - columns
    y = affine[1, 0] * columns + affine[1, 1] * rows + affine[1, 2] - rows
    return np.stack([x, y], 2).astype(np.float32)


def composed(first: Affine, then: Affine) -> Affine:
    """One movement after another."""
    square = [np.vstack([one, [0, 0, 1]]) for one in (then, first)]
    return np.asarray((square[0] @ square[1])[:2])


def scaled(affine: Affine, factor: float) -> Affine:
    """The same movement on frames that are larger by a factor."""
    result = affine.copy()
    result[:, 2] *= factor
    return result


def moving_boxes(view: ClipView, flow: Flow) -> list[tuple[Box, float]]:
    """Find what moves against the background on the first frames of a clip.

    Returns boxes on the first frame in source pixels, the surest first, with a score from 0 to 1
    that grows with how clearly the thing stands out.
    """
    first = shrunk(view.frame(0))
    scale = view.info.width / first.shape[1]
    for apart in _APART:
        if 2 * apart < len(view):
            changes = [_changes(first, shrunk(view.frame(index)), flow) for index in (apart, 2 * apart)]
            if found := _boxes_of(np.minimum(*changes)):
                return [((x0 * scale, y0 * scale, x1 * scale, y1 * scale), score) for (x0, y0, x1, y1), score in found]
    return []


def _changes(one: Frame, two: Frame, flow: Flow) -> NDArray[np.float32]:
    """By how many levels each pixel of a frame changes until another, the background held still.

    Where a thing will be changes as much as where it is, but not until both of two later frames.
    """
    offsets, background = flow.between(one, two), np.ones(one.shape[:2], np.bool_)
    for _ in range(3):  # again without what moves otherwise
        movement = fitted(offsets, background)
        background = np.linalg.norm(offsets - moved_by(movement, (one.shape[0], one.shape[1])), axis=2) < _MOVED
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    held = cv2.warpAffine(two, movement, (one.shape[1], one.shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.blur(cv2.absdiff(one, held).max(2).astype(np.float32), (3, 3)), np.float32)


def _boxes_of(changes: NDArray[np.float32]) -> list[tuple[Box, float]]:
    changed = cv2.morphologyEx((changes > _CHANGED).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    changed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
    found: list[tuple[Box, float]] = []
    for number in range(1, count):
        x, y, width, height, area = (int(value) for value in facts[number])
        if area >= _LEAST_SHARE * changed.size and width * height <= _MOST_SHARE * changed.size:
            level = float(changes[labels == number].mean())
            found.append(((x, y, x + width, y + height), round(level / (level + _CHANGED), 3)))
    return sorted(found, key=lambda each: -each[1])


def steps(frames: Iterable[Frame], flow: Flow) -> Iterator[NDArray[np.float32]]:
    """The flow from each shrunk frame to the next, (h, w, 2) each."""
    return flow.along(map(shrunk, frames))


def shrunk_mask(mask: Masks, shape: tuple[int, int]) -> Masks:
    """A mask at the size (h, w) of shrunk frames."""
    small = cv2.resize(mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_AREA if shape[0] < mask.shape[0] else cv2.INTER_NEAREST)
    return np.asarray(small > 0, np.bool_)


def speeds(flow: NDArray[np.float32], masks: Sequence[Masks], others: Masks) -> list[tuple[float, float, float]]:
    """How fast regions move from one frame to the next.

    Args:
        flow: Of shrunk frames, (h, w, 2).
        masks: Of the regions on the first of the two, bool (h, w).
        others: Pixels of all entities, which are no background.

    Returns:
        Of each region the speed of its pixels, of those outside, and of one against the other, in
        shorter sides of the frame; NaN where the region is empty.
    """
    short = min(flow.shape[:2])
    result = []
    for mask in masks:
        outside = ~(mask | others)
        if not mask.any() or not outside.any():
            result.append((float("nan"),) * 3)
            continue
        background = moved_by(fitted(flow, outside), flow.shape[:2])
        inside, around = flow[mask], flow[outside]
        relative = np.linalg.norm((inside - background[mask]).mean(0))
        own, around_it = (float(np.linalg.norm(each, axis=1).mean()) for each in (inside, around))
        result.append((own / short, around_it / short, float(relative) / short))
    return result


def motion_values(frames: Iterable[Frame], small: Sequence[Masks], flow: Flow, rate: float) -> list[dict[str, float]]:
    """Measure how regions move over a clip.

    Args:
        frames: Of the clip, (H, W, 3), as many as the masks have.
        small: Of each region its masks at the size of shrunk frames, bool (T, h, w).
        flow: Between two frames.
        rate: Frames a second.

    Returns:
        Of each region foreground_motion, background_motion and relative_motion, in shorter sides of
        the frame a second; nothing where no frame tells.
    """
    found: list[list[tuple[float, float, float]]] = []
    for index, offsets in enumerate(steps(frames, flow)):
        now = [each[index] for each in small]
        found.append(speeds(offsets, now, np.logical_or.reduce(now)))
    names = ("foreground_motion", "background_motion", "relative_motion")
    result = []
    for number in range(len(small)):
        rows = [row[number] for row in found if not math.isnan(row[number][0])]
        means = np.mean(rows, axis=0) * rate if rows else []
        result.append({name: round(float(mean), 6) for name, mean in zip(names, means, strict=False)})
    return result
