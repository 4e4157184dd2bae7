"""What a round brush covers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from core.masks.bounding_box import Mask


def stroked(size: tuple[int, int], stroke: Sequence[tuple[float, float]], radius: float) -> Mask:
    """Paint a line with a round brush.

    Args:
        size: The frame's (W, H).
        stroke: Points (x, y) of the line in pixels, one at least.
        radius: The brush's radius in pixels.

    Returns:
        bool (H, W), True where a pixel's centre lies within `radius` of the line.
    """
    width, height = size
    out = np.zeros((height, width), np.bool_)
    points = [np.asarray(point, float) for point in stroke]
    for first, second in pairwise(points) if len(points) > 1 else [(points[0], points[0])]:
        low = np.floor(np.minimum(first, second) - radius).astype(int).clip(0, size)
        high = np.ceil(np.maximum(first, second) + radius).astype(int).clip(0, size)
        xs = np.arange(low[0], high[0])[None, :] + 0.5 - first[0]
        ys = np.arange(low[1], high[1])[:, None] + 0.5 - first[1]
        along = second - first
        square = float(along @ along)
        part = ((xs * along[0] + ys * along[1]) / square).clip(0, 1) if square else np.zeros((1, 1))
        near = (xs - part * along[0]) ** 2 + (ys - part * along[1]) ** 2 <= radius * radius
        out[low[1] : high[1], low[0] : high[0]] |= near
    return out
