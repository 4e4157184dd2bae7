"""How a mask's box moves, with the wobble of a tracked outline taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box

Interval = tuple[float, float]
Margins = tuple[float, float, float, float]
"""What lies between a box's sides (x0, y0, x1, y1) and what shows in it, as shares of its size."""
NO_MARGINS: Margins = (0.0, 0.0, 0.0, 0.0)

STEADY = 3
"""Frames on either side over which the motion of a mask's box is taken as even: a tracked outline wobbles more than things do."""
STRETCH = 1.35
"""How many times more a carried picture may grow in one direction than in the other."""
ASIDE = 0.04
"""Share of its size by which what shows may be cut off by a mask that is smaller than its box without the wobble."""
LEEWAY = 1.3
"""How many times a cut side's scale may differ from that of what is seen of it."""


def motion(start: Box[float], end: Box[float], shape: tuple[int, int]) -> NDArray[np.float64]:
    """3x3: where a pixel (x, y, 1) of the first box goes when that becomes the second. `shape` is the picture's (height, width).

    A side on the picture's border may have left it, so it says nothing about size: the other sides then tell. One beyond it is known.
    """
    height, width = shape
    start_y, start_x, end_y, end_x = (start.y0, start.y1), (start.x0, start.x1), (end.y0, end.y1), (end.x0, end.x1)
    scales = [_scale(start_y, end_y, height), _scale(start_x, end_x, width)]
    known = [scale for scale in scales if scale is not None]
    fallback = known[0] if known else 1.0
    # Of a side that is known beyond the picture in one frame and not in the other, what lies inside the picture is seen in both.
    seen = [_length(end_y, height) / _length(start_y, height), _length(end_x, width) / _length(start_x, width)]
    # Things that turn don't grow alike in both directions, so what is seen of the cut side keeps a say.
    scale_y, scale_x = (
        min(max(fallback, own / LEEWAY), own * LEEWAY) if scale is None and known else fallback if scale is None else scale
        for scale, own in zip(scales, seen, strict=True)
    )
    shift_y = _shift(start_y, end_y, scale_y, height)
    shift_x = _shift(start_x, end_x, scale_x, width)
    # Pixel centres lie at halves, boxes at whole numbers.
    return np.array([[scale_x, 0, shift_x + (scale_x - 1) / 2], [0, scale_y, shift_y + (scale_y - 1) / 2], [0, 0, 1]], np.float64)


def in_shape(matrix: NDArray[np.float64], box: Box[float]) -> NDArray[np.float64]:
    """`matrix`, as `motion` gives it, with the larger of its two scales held down where they differ by more than STRETCH, around the middle
    of the `box` that it leads to: whatever the outline of what is replaced does, a ball stays a ball."""
    scales = np.array([matrix[0, 0], matrix[1, 1]])
    held = np.minimum(scales, STRETCH * scales[::-1])
    middle = np.array([box.x0 + box.x1 - 1, box.y0 + box.y1 - 1]) / 2
    shift = middle - held * (middle - matrix[:2, 2]) / scales
    return np.array([[held[0], 0, shift[0]], [0, held[1], shift[1]], [0, 0, 1]], np.float64)


def smoothed_boxes(boxes: Sequence[Box[float] | None], shape: tuple[int, int], margins: Margins = NO_MARGINS) -> list[Box[float] | None]:
    """Boxes of consecutive frames with the wobble taken out: each side by a line through its neighbours.

    A side on the picture's border stays there, and counts for no other frame. Where a mask is suddenly smaller, as that of a ball that
    bounces, a side gives way as soon as what shows within `margins` would be cut off.
    """
    limits = (shape[1], shape[0], shape[1], shape[0])
    result: list[Box[float] | None] = []
    for index, box in enumerate(boxes):
        if box is None:
            result.append(None)
            continue
        sides = list(box)
        for side, limit in enumerate(limits):
            near = [
                (other - index, neighbour[side])
                for other in range(max(index - STEADY, 0), min(index + STEADY + 1, len(boxes)))
                if (neighbour := boxes[other]) is not None and neighbour[side] not in (0, limit)
            ]
            if box[side] not in (0, limit) and len(near) > 2:
                times, places = np.array(near, float).T
                place = float(np.polyval(np.polyfit(times, places, 1), 0))
                most = (margins[side] + ASIDE) * (box.height if side % 2 else box.width)
                sides[side] = max(place, box[side] - most) if side < 2 else min(place, box[side] + most)
        # A line may cross the opposite side's where a box all but vanishes.
        smooth = Box(*sides)
        result.append(smooth if smooth.height >= 1 and smooth.width >= 1 else box)
    return result


def _length(stretch: tuple[float, ...], limit: int) -> float:
    """Of the part of a stretch that lies inside the picture, at least a pixel."""
    return max(min(stretch[1], limit) - max(stretch[0], 0), 1.0)


def _free(start: Interval, end: Interval, limit: int) -> tuple[bool, bool]:
    """Which of the two sides are known in both frames: not on the picture's border."""
    return 0 not in (start[0], end[0]), limit not in (start[1], end[1])


def _scale(start: Interval, end: Interval, limit: int) -> float | None:
    """How much the stretch grew; None when a side left the picture."""
    return (end[1] - end[0]) / (start[1] - start[0]) if all(_free(start, end, limit)) else None


def _shift(start: Interval, end: Interval, scale: float, limit: int) -> float:
    """Where the picture's origin goes: by the side that is seen in both frames, else by the centres."""
    low, high = _free(start, end, limit)
    if low == high:
        return (end[0] + end[1]) / 2 - scale * (start[0] + start[1]) / 2
    side = 0 if low else 1
    return end[side] - scale * start[side]
