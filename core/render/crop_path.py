"""A crop that follows what is edited: one rectangle a frame, along a smooth path."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.render.region import CropRegion, plan_region, sided_region

STEADY = 3
"""Frames on either side over which the path is smoothed."""
WORTH = 1.2
"""A crop moves only where standing still would make it larger than this many times: what stands
still can't shimmer.
"""


def crop_path(boxes: Sequence[Box[int] | None], frame_size: tuple[int, int], working_size: tuple[int, int]) -> list[CropRegion]:
    """One crop for each frame's box (None where nothing is edited), in the order of time.

    All the same where one rectangle serves all of them about as well. Otherwise each holds its own
    frame's box with the usual context, and centre and side change smoothly. Whole source pixels, so
    that a crop at its own size returns exactly. InputError when all are None.

    Args:
        boxes: The box of each frame, None where nothing is edited.
        frame_size: (width, height) in pixels.
        working_size: (height, width) of what the model sees.

    Returns:
        As many crops.

    Raises:
        InputError: All boxes are None.
    """
    still = plan_region(boxes, frame_size, working_size)
    known = [index for index, box in enumerate(boxes) if box is not None]
    nearest = [min(known, key=lambda other: abs(other - index)) for index in range(len(boxes))]
    sides = np.array([boxes[index] for index in nearest], float)
    centre = _even((sides[:, :2] + sides[:, 2:]) / 2)
    reach = _held(np.maximum(sides[:, 2:] - centre, centre - sides[:, :2]))
    low, high = centre - reach, centre + reach
    own = [plan_region([_whole(*pair, frame_size)], frame_size, working_size).width for pair in zip(low, high, strict=True)]
    widths = _held(np.array(own, float)[:, None])[:, 0]
    if still.width <= WORTH * float(np.median(widths)):
        return [still] * len(boxes)
    return [
        sided_region(_whole(*pair, frame_size), math.ceil(width), frame_size, working_size)
        for pair, width in zip(zip(low, high, strict=True), widths, strict=True)
    ]


def _whole(low: NDArray[np.float64], high: NDArray[np.float64], frame_size: tuple[int, int]) -> Box[int]:
    x0, y0 = (max(math.floor(value + 1e-6), 0) for value in low)
    x1, y1 = (min(math.ceil(value - 1e-6), limit) for value, limit in zip(high, frame_size, strict=True))
    return Box(x0, y0, x1, y1)


def _near(values: NDArray[np.float64], t: int) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """The neighbours' values (n, k), and how many frames from `t` they are."""
    frames = np.arange(max(t - STEADY, 0), min(t + STEADY + 1, len(values)))
    return values[frames], frames - t


def _even(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, k) -> (T, k): each by a line through its neighbours, so that even motion stays."""
    lines = []
    for t in range(len(values)):
        near, times = _near(values, t)
        lines.append(np.polyfit(times, near, min(1, len(near) - 1))[-1])
    return np.stack(lines)


def _held(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, k) -> (T, k): the most of the neighbours, then their mean, which is never less than the
    own value.
    """
    most = np.stack([_near(values, t)[0].max(0) for t in range(len(values))])
    return np.stack([_near(most, t)[0].mean(0) for t in range(len(values))])
