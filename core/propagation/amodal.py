"""How far what is edited reaches beyond the picture's border, where that cuts it off.

A box says nothing of what the border hides: half a ball is as narrow as a thin one that is whole.
The outline does. From the nearest frame where all of it is seen it is followed, frame by frame, by
position and size: inside the picture it has to lie over what is seen of it, over the frame before
for what moves its limbs, and over the whole one so that nothing adds up.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.propagation.result import Region

SIDE = 128
"""Longer side of the outlines that are compared, in pixels."""
WITHIN = 48
"""Frames within which one is looked for where all is seen."""
AGREE = 0.3
"""Share of what is seen that may disagree; beyond it the outlines are not those of one thing at two
places.
"""
STIFF = 0.2
"""What a sudden change costs, as a share of what is seen, for each tenth of the size that it grows
or moves by.
"""
PACE = 4
"""Frames before the first cut one that the motion is read from."""
READS = WITHIN + PACE
"""So many frames away a mask may have a say."""
COAST = 0.9
"""How much of its last motion the outline is expected to make again; it is expected to keep its
size.
"""
STEP, FINEST = 0.08, 0.004
"""The first and the last change that is tried, as a share of size."""

Fit = NDArray[np.float64]
"""Logarithm of the size compared to the frame where all is seen, and the middle (x, y) in coarse
pixels.
"""


def is_cut(region: Region, frame: int) -> bool:
    """Whether the region lies on the picture's border on a frame."""
    box = region.facts(frame).box
    return box is not None and box.touches_border(region.size[::-1])


class AmodalExtent:
    """The boxes of a region, their cut sides put where the outline suggests that they are. Each is
    worked out once.
    """

    def __init__(self, region: Region) -> None:
        self._region = region
        self._outlines: dict[int, NDArray[np.float32]] = {}
        self._fits: dict[tuple[int, int], Fit] = {}
        self._boxes: dict[int, Box[float] | None] = {}
        self._shape = region.size[1], region.size[0]

    def box(self, frame: int) -> Box[float] | None:
        """The box of a frame, half-open, with sides beyond the picture where it is cut; a side that
        stays on the border is not known. None where the region is empty.
        """
        if frame not in self._boxes:
            seen = self._seen(frame)
            self._boxes[frame] = self._extended(frame, seen) if seen is not None and self._cut(frame) else seen
        return self._boxes[frame]

    def _seen(self, frame: int) -> Box[int] | None:
        return self._region.facts(frame).box if frame in self._region.frames else None

    def _cut(self, frame: int) -> bool:
        return is_cut(self._region, frame)

    def _outline(self, frame: int) -> NDArray[np.float32]:
        if frame not in self._outlines:
            if len(self._outlines) > 4 * READS:
                del self._outlines[next(iter(self._outlines))]
            mask = self._region[frame]
            height, width = self._shape
            size = [max(round(side * SIDE / max(height, width)), 1) for side in (width, height)]
            self._outlines[frame] = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
        return self._outlines[frame]

    def _whole(self, frame: int) -> int | None:
        """The nearest frame where all is seen, without a gap on the way."""
        open_ways = [-1, 1]
        for distance in range(1, WITHIN + 1):
            for way in list(open_ways):
                other = frame + way * distance
                if self._seen(other) is None:
                    open_ways.remove(way)
                elif not self._cut(other):
                    return other
        return None

    def _extended(self, frame: int, box: Box[int]) -> Box[float]:
        whole = self._whole(frame)
        if whole is None:
            return box
        step = 1 if frame > whole else -1
        for at in range(whole + step, frame + step, step):
            if (whole, at) not in self._fits:
                self._fits[whole, at] = self._fit(whole, at, step)
        fit, start = self._fits[whole, frame], self._seen(whole)
        if start is None or min(self._disagreements(whole, frame, step, fit)) > AGREE:
            return box
        seen = self._outline(frame)
        y, x = (there / limit for there, limit in zip(seen.shape, self._shape, strict=True))
        middle, scale = self._middle(whole), float(np.exp(fit[0]))
        reached = (fit[[1, 2, 1, 2]] + scale * (np.array(start) * (x, y, x, y) - middle[[0, 1, 0, 1]])) / (x, y, x, y)
        height, width = self._shape
        sides: list[float] = list(box)
        for side, (outermost, limit) in enumerate(((min, 0), (min, 0), (max, width), (max, height))):
            # What reaches farthest up may be hidden at the side: then what is seen doesn't end
            # where the thing does.
            tip = fit[1:] + scale * (self._tip(whole, side) - middle)
            if box[side] == limit or not (0 < tip[0] < seen.shape[1] and 0 < tip[1] < seen.shape[0]):
                sides[side] = outermost(float(reached[side]), float(box[side]))
        return Box(*sides)

    def _tip(self, frame: int, side: int) -> NDArray[np.float64]:
        """x, y of the middle of what reaches farthest to a side (left, top, right, bottom) on a
        frame, in coarse pixels.
        """
        outline = self._outline(frame)
        rows, columns = np.nonzero(outline > 0.5 * outline.max())  # a thin thing fills no pixel of it
        along = rows if side % 2 else columns
        last = along == (along.min() if side < 2 else along.max())
        return np.array([columns[last].mean(), rows[last].mean()]) + 0.5

    def _middle(self, frame: int) -> NDArray[np.float64]:
        """x, y of the middle of a frame's box, in coarse pixels."""
        outline, box = self._outline(frame), self._seen(frame)
        if box is None:
            raise ValueError(f"nothing is edited on frame {frame}")
        height, width = outline.shape
        return np.array([(box.x0 + box.x1) / 2 * width / self._shape[1], (box.y0 + box.y1) / 2 * height / self._shape[0]])

    def _fit(self, whole: int, frame: int, step: int) -> Fit:
        """Where the outline is on `frame`, looked for around where its motion up to the frame
        before takes it.
        """
        last, before = (self._fit_before(whole, frame - back * step, step) for back in (1, 2))
        expected = last + COAST * np.array([0, 1, 1]) * (last - before)
        size = np.sqrt(float(self._outline(whole).sum()))
        scales = np.array([1.0, size, size])

        def cost(fit: Fit) -> float:
            sudden = np.abs(fit - expected) / scales / 0.1
            return float(np.mean(self._disagreements(whole, frame, step, fit)) + STIFF * np.minimum(sudden, sudden**2).sum())

        best, least, change = expected, cost(expected), STEP
        while change >= FINEST:
            moved = False
            for axis in range(3):
                for sign in (1, -1):
                    tried = best.copy()
                    tried[axis] += sign * change * scales[axis]
                    value = cost(tried)
                    if value < least - 1e-9:
                        best, least, moved = tried, value, True
                        break
            change = change if moved else change / 2
        return best

    def _fit_before(self, whole: int, frame: int, step: int) -> Fit:
        """What was found for an earlier frame of the walk; before its start what the boxes say, at
        an even pace.
        """
        if (frame - whole) * step > 0 and (whole, frame) in self._fits:
            return self._fits[whole, frame]
        still = np.concatenate([[0.0], self._middle(whole)])
        for back in range(PACE, 0, -1):
            other = whole - back * step
            if self._seen(other) is not None and not self._cut(other):
                still[1:] -= (self._middle(whole) - self._middle(other)) / back * abs(whole - frame)
                break
        return still

    def _disagreements(self, whole: int, frame: int, step: int, fit: Fit) -> tuple[float, float]:
        """How much what is seen on `frame` differs from the outline of `whole` and from that of the
        frame before, so moved, as shares of the larger.
        """
        still, before = np.concatenate([[0.0], self._middle(whole)]), frame - step
        last = self._fits.get((whole, before), still)
        return self._disagreement(whole, frame, still, fit), self._disagreement(before, frame, last, fit)

    def _disagreement(self, start: int, frame: int, origin: Fit, fit: Fit) -> float:
        outline, seen = self._outline(start), self._outline(frame)
        scale = float(np.exp(fit[0] - origin[0]))
        # Pixel centres lie at halves, boxes at whole numbers.
        shift = fit[1:] - scale * origin[1:] + (scale - 1) / 2
        matrix, size = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), (seen.shape[1], seen.shape[0])
        moved = cv2.warpAffine(outline, matrix, size)
        if self._cut(start):  # what the border hid there may show here
            seen = seen * cv2.warpAffine(np.ones_like(outline), matrix, size)
        return float(cv2.norm(moved, seen, cv2.NORM_L1)) / max(float(seen.sum()), float(moved.sum()), 1e-6)
