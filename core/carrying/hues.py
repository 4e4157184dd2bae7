"""A turn of all hues, with what becomes of saturation and brightness: what editors offer as one
control. No smooth map of colours can be one, since grays that differ by a level turn to different
hues.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.render.flow import sample

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

NODES = 33
"""Grid points of saturation and of brightness."""
WIDTHS = (8.0, 4.0, 2.0, 1.0, 0.5)
"""Grid points over which colours are taken together, the widest first."""
EVIDENCE = 12.0
"""Pixels that a grid point needs to speak for itself."""
RIDGE = 1e-4


class HueTurn:
    """All hues turned by one angle; saturation and brightness changed by both of them."""

    def __init__(self, before: Floats, after: Floats, weight: Floats) -> None:
        """Learn from pairs.

        Args:
            before: (N, 3), colours of the source, 0 to 255.
            after: (N, 3), what they became.
            weight: (N,), how much each counts.
        """
        old, new = _hsv(before[None] / 255)[0], _hsv(after[None].clip(0, 255) / 255)[0]
        colourful = weight * np.minimum(old[:, 1] * old[:, 2], new[:, 1] * new[:, 2])
        self._turn = float(np.angle((colourful * np.exp(1j * np.radians(new[:, 0] - old[:, 0]))).sum(), deg=True))
        # How saturated the dark is makes little difference.
        self._tables = [
            _learnt(old[:, 1:], new[:, 1 + axis], np.asarray(weight * share, np.float64), np.eye(2)[axis])
            for axis, share in enumerate((old[:, 2] * new[:, 2], np.ones_like(weight)))
        ]

    def of(self, picture: NDArray) -> Floats:
        """What becomes of the colours of a picture, (H, W, 3) of 0 to 255: float32 (H, W, 3)."""
        hsv = _hsv(np.asarray(picture, np.float32) / 255)
        brightness, saturation = hsv[..., 2] * (NODES - 1), hsv[..., 1] * (NODES - 1)
        found = [sample(table, brightness, saturation) for table in self._tables]
        turned = np.stack([(hsv[..., 0] + self._turn) % 360, *(np.clip(each, 0, 1) for each in found)], -1)
        return np.asarray(cv2.cvtColor(turned.astype(np.float32), cv2.COLOR_HSV2RGB) * 255, np.float32)


def _hsv(picture: NDArray) -> Floats:
    """Hue in degrees, saturation and brightness in [0, 1], of a picture (H, W, 3) in [0, 1]."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2HSV), np.float32)


def _learnt(places: Floats, values: Floats, weight: NDArray[np.float64], usual: NDArray[np.float64]) -> Floats:
    """What a value becomes at saturations and brightnesses, as a table of these: a plane, and what
    it misses near each grid point.

    Args:
        places: (N, 2), saturations and brightnesses in [0, 1].
        values: (N,), what one of them became.
        weight: (N,), how much each counts.
        usual: (2,), the plane's slope where nothing tells it.

    Returns:
        (NODES, NODES).
    """
    total = max(float(weight.sum()), 1e-6)
    mean, target = (weight[:, None] * places).sum(0) / total, float((weight * values).sum() / total)
    x, y = places - mean, values - target
    spread = (x * weight[:, None]).T @ x / total + RIDGE * np.eye(2)
    slope = np.linalg.solve(spread, (x * weight[:, None]).T @ y / total + RIDGE * usual)
    steps = np.linspace(0, 1, NODES)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1)
    missed = y - x @ slope
    place = np.clip(places, 0, 1) * (NODES - 1)
    low = np.minimum(place.astype(int), NODES - 2)
    rest = place - low
    sums, counts = np.zeros(NODES**2), np.zeros(NODES**2)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = weight * np.abs(1 - down - rest[:, 0]) * np.abs(1 - right - rest[:, 1])
        at = (low[:, 0] + down) * NODES + low[:, 1] + right
        sums += np.bincount(at, share * missed, NODES**2)
        counts += np.bincount(at, share, NODES**2)
    value = np.zeros((NODES, NODES))
    for width in WIDTHS:
        kernel = np.exp(-((np.arange(NODES)[:, None] - np.arange(NODES)) ** 2) / (2 * width**2))
        near, count = (kernel @ each.reshape(NODES, NODES) @ kernel for each in (sums, counts))
        share = count / (count + EVIDENCE / width)
        value = share * near / np.maximum(count, 1e-9) + (1 - share) * value
    return np.asarray((grid - mean) @ slope + target + value, np.float32)
