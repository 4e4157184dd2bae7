"""Parts of a thing that its mask missed: a hoof, the tip of a tail. There the frame differs from
other times, right beside the mask and as the frames next to it do.
"""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.camera import Camera
from core.background.footage import Footage, Mask
from core.background.shadow_shape import disc
from core.geometry import Box
from core.masks import bounding_box

SOURCES, LEAST_SOURCES = 7, 3
"""Frames that a frame is compared with, those where the thing is farthest from its place here."""
OFFSETS = (6, 12, 18, 26, 36, 48, 64)
"""How far away they are."""
MISPLACED = 2
"""Small pixels by which they may lie wrong."""
DIFFERENT = 22.0
"""8-bit levels beyond what they differ by among themselves."""
AROUND = 8
"""Small pixels around the thing at another time where a part that was missed may be, too."""
TOUCHES = 3
"""Small pixels from the mask within which a part begins."""
REACH = 0.4
"""How far from the mask a part goes, as a share of the thing's longer side."""
LEAST, MOST = 16, 0.8
"""Small pixels of a part, and the share of the thing's area that all may have."""
FOLLOWED = 5
"""Small pixels that a part moves from a frame to the next, beside its thing."""
CONFIRMED = 0.5
"""Share of a part that a frame next to it has to show as part of the thing or as missed, too."""
RIM = 2
"""Small pixels that the result is widened by."""
_KEPT = 12


class LeftOver:
    """Looks for parts of the things in a region that their masks missed."""

    def __init__(self, footage: Footage, camera: Camera) -> None:
        self._footage, self._camera = footage, camera
        self._seen: OrderedDict[int, Mask] = OrderedDict()

    def at(self, index: int) -> Mask:
        """bool (h, w), small: what was missed on a frame, as a frame next to it confirms."""
        found = self._look(index)
        if not found.any():
            return found
        shot = self._camera.shot(index, 1)
        beside = np.zeros_like(found)
        for other in (index - 1, index + 1):
            if other in shot:
                beside |= self._look(other) | self._footage.small_hole(other)
        near = cv2.dilate(beside.astype(np.uint8), disc(FOLLOWED)) > 0
        count, labels = cv2.connectedComponents(found.astype(np.uint8))
        kept = [part for part in range(1, count) if near[labels == part].mean() > CONFIRMED]
        return cv2.dilate(np.isin(labels, kept).astype(np.uint8), disc(RIM)) > 0 if kept else np.zeros_like(found)

    def _look(self, index: int) -> Mask:
        if index not in self._seen:
            self._seen[index] = self._compare(index)
            while len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
        return self._seen[index]

    def _compare(self, index: int) -> Mask:
        footage = self._footage
        own = footage.small_hole(index)
        nothing = np.zeros_like(own)
        box = bounding_box(own)
        if box is None:
            return nothing
        area = box.grow(round(REACH * max(box.width, box.height)) + 4, own.shape)
        thing = area.crop(own)
        now = area.crop(footage.small(index)).astype(np.float32)
        pictures = self._other_times(index, area, thing)
        if len(pictures) < LEAST_SOURCES:
            return nothing
        stack = np.sort(np.stack(pictures), 0)  # what is unknown comes last
        count = np.isfinite(stack[..., 0]).sum(0)

        def rank(share: float) -> NDArray[np.float32]:
            at = np.rint(share * np.maximum(count - 1, 0)).astype(int)
            return np.nan_to_num(np.take_along_axis(stack, at[None, ..., None], 0)[0])

        usual, low, high = rank(0.5), rank(0.2), rank(0.8)
        room = np.ones((2 * MISPLACED + 1,) * 2, np.uint8)
        beyond = np.maximum(now - cv2.dilate(usual, room), cv2.erode(usual, room) - now).max(-1) - (high - low).max(-1)
        known = (count >= LEAST_SOURCES) & ~thing
        parts = known & (cv2.GaussianBlur(beyond.astype(np.float32), (0, 0), 1.0) > DIFFERENT)
        parts = cv2.morphologyEx(parts.astype(np.uint8), cv2.MORPH_CLOSE, disc(2)) > 0
        parts = _reaching(parts & ~thing, cv2.dilate(thing.astype(np.uint8), disc(TOUCHES)) > 0, LEAST)
        found = nothing.copy()
        if parts.sum() <= MOST * thing.sum():
            area.crop(found)[:] = parts
        return found

    def _other_times(self, index: int, area: Box[int], thing: Mask) -> list[NDArray[np.float32]]:
        """Part of a small frame as others show it, float32 (h, w, 3), NaN where they don't."""
        footage = self._footage
        shot = self._camera.shot(index, OFFSETS[-1])
        inside = np.array([[1, 0, -area.x0], [0, 1, -area.y0], [0, 0, 1]], float)
        size = thing.shape[::-1]
        around = cv2.dilate(thing.astype(np.uint8), disc(AROUND)) > 0
        found: list[tuple[int, int, NDArray[np.float32]]] = []
        for source in (index + way * offset for offset in OFFSETS for way in (-1, 1)):
            if source not in shot:
                continue
            matrix = inside @ self._camera.between(source, index)
            hole = cv2.dilate(footage.small_hole(source).astype(np.uint8), disc(AROUND))
            clear = cv2.warpPerspective(1 - hole, matrix, size, flags=cv2.INTER_NEAREST) > 0
            laid = cv2.warpPerspective(footage.small(source), matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
            found.append((-int((clear & around).sum()), source, np.where(clear[..., None], laid, np.nan)))
        return [picture for _, _, picture in sorted(found, key=lambda one: one[:2])[:SOURCES]]


def _reaching(parts: Mask, reach: Mask, least: int) -> Mask:
    """The connected parts that reach a place, without specks."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(parts.astype(np.uint8))
    kept = [part for part in range(1, count) if stats[part, cv2.CC_STAT_AREA] >= least and (reach & (labels == part)).any()]
    return np.asarray(np.isin(labels, kept)) if kept else np.zeros_like(parts)
