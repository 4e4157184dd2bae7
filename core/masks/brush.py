"""What a round brush covers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from core.masks.bounding_box import Mask


def stroked(size: tuple[int, int], stroke: Sequence[tuple[float, float]], radius: float) -> Mask:
    """Pixels of a (W, H) frame whose centre lies within `radius` of the line through `stroke`, (x, y) in pixels; bool (H, W)."""
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
