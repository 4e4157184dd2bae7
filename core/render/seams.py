"""How well two windows of a propagation join: the jump across the border against the jumps beside
it, motion taken out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks import bounding_box
from core.render.flow import DenseFlow

FLOOR = 0.75
"""Levels of difference between neighbouring frames that no one sees: the noise of a codec, or of
the warp itself.
"""
SIDE = 256
"""The region is compared at this many pixels a side at most."""
JUMPED, JUMPED_MORE = 0.15, 2.5
"""Share by which a mask has to grow or shrink to be the cause of a jump, and how many times what it
does beside it.
"""
EVEN = 0.7
"""Share of a difference that is the same everywhere in the region where a colour has drifted."""

Cause = Literal["mask", "colour", "window"]


@dataclass(frozen=True)
class Seam:
    """Between frame `frame` - 1 and `frame`, made in different runs of the model.

    `difference` is the mean absolute difference in the region after motion compensation, in 8-bit
    levels; `score` is how many times that of the frame pairs just before and after it: about 1
    where nothing shows, above 2 where an eye catches it. `cause` is what makes the jump: the mask
    itself, which grows or shrinks at once; a colour that has drifted; or the windows.
    """

    frame: int
    difference: float
    score: float
    cause: Cause = "window"


class SeamMeter:
    """Watches the frames of a result go by, in order, and scores the borders among them. Holds two
    frames at a time.
    """

    def __init__(self, borders: Iterable[int]) -> None:
        self._borders = frozenset(borders)
        self._wanted = frozenset(frame + step for frame in self._borders for step in (-1, 0, 1))
        self._before: tuple[int, NDArray[np.uint8], NDArray[np.bool_]] | None = None
        self._jumps: dict[int, float] = {}
        self._shifts: dict[int, float] = {}
        self._growth: dict[int, float] = {}

    def see(self, index: int, frame: NDArray[np.uint8], region: NDArray[np.bool_]) -> None:
        """The next frame of the result, uint8 (H, W, 3), and its region, bool (H, W).

        Args:
            index: Its number.
            frame: uint8 (H, W, 3).
            region: bool (H, W).
        """
        before, self._before = self._before, (index, frame, region)
        if before is not None and index in self._wanted and before[0] == index - 1:
            jump = moved_difference(before[1], frame, before[2] | region)
            if jump is not None:
                self._jumps[index], self._shifts[index] = jump
                areas = int(before[2].sum()), int(region.sum())
                self._growth[index] = 1 - min(areas) / max(areas)

    def seams(self) -> list[Seam]:
        """The borders that could be measured: both frames have a region, and a neighbouring pair to
        compare with.
        """
        found = []
        for frame in sorted(self._borders & self._jumps.keys()):
            beside = [self._jumps[other] for other in (frame - 1, frame + 1) if other in self._jumps and other not in self._borders]
            if beside:
                usual = max(sum(beside) / len(beside), FLOOR)
                jump = self._jumps[frame]
                found.append(Seam(frame, round(jump, 2), round(max(jump, FLOOR) / usual, 2), self._cause(frame)))
        return found

    def _cause(self, frame: int) -> Cause:
        grown = self._growth[frame]
        if grown > JUMPED and grown > JUMPED_MORE * max(self._growth.get(frame + step, 0.0) for step in (-1, 1)):
            return "mask"
        return "colour" if self._shifts[frame] > EVEN * self._jumps[frame] else "window"


def moved_difference(one: NDArray[np.uint8], two: NDArray[np.uint8], region: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Compare two frames (H, W, 3) inside the region after warping the first onto the second.

    Args:
        one: uint8 (H, W, 3).
        two: The same.
        region: bool (H, W).

    Returns:
        The mean absolute difference in 8-bit levels, and how much of it is the same on all pixels;
        None where the region is empty.
    """
    box = bounding_box(region)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    margin = max(8, (max(y1 - y0, x1 - x0)) // 8)
    area = np.s_[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]
    height, width = region[area].shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    first, second = (cv2.resize(frame[area], size, interpolation=cv2.INTER_AREA) for frame in (one, two))
    inside = cv2.resize(region[area].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if not inside.any():
        return None
    grey = [np.asarray(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY), np.uint8) for picture in (second, first)]
    flow = DenseFlow().between(*grey)
    ys, xs = np.mgrid[: size[1], : size[0]].astype(np.float32)
    moved = cv2.remap(np.asarray(first), xs + flow[..., 0], ys + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    off = (np.asarray(moved, np.int16) - np.asarray(second, np.int16))[inside]
    return float(np.abs(off).mean()), float(np.abs(off.mean(0)).mean())
