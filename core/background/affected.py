"""What a thing affects beside its own pixels: its shadow, its reflection below it, and what its
mask missed of it. There the frame differs from the same place at other times, next to the thing and
moving with it.
"""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.alignment import align, Layer
from core.background.camera import Camera
from core.background.footage import Footage, Frames, Mask, Region
from core.background.left_over import LeftOver
from core.background.shadow_shape import disc, extended, moved, unexplained
from core.geometry import Box
from core.masks import bounding_box, MaskSequence
from core.progress import JobContext

STEP = 4
"""Frames from one that is looked at to the next; the others take what these show."""
OFFSETS = (4, 7, 10, 15, 21, 28, 36, 44, 52, 60, 68, 76, 84)
"""How far away the frames are that show a place without the thing."""
SOURCES = 10
"""How many of them at most: those where the thing has moved away farthest."""
LEAST_SOURCES = 3
APART = 0.5
"""How far from its place here the thing is best gone, in its own size: its shadow goes with it."""
REACH = 0.8
"""How far from the thing is looked, in its own widths and heights."""
SMOOTH = 2.0
"""Small pixels over which the difference is averaged: grain and misplaced edges are no shadow."""
DARKER, SOFT_EDGE = 0.13, 0.05
"""How much darker a shadow is at its core and at its edge, as differences of logarithms."""
CHANGED = 0.16
"""How much a reflection differs from the floor, likewise."""
TINT = 0.07
"""How much the share of a colour may change in a shadow, which takes light of all colours."""
USUAL, BRIGHT = 0.7, 0.9
"""Ranks among the other frames that a shadow is compared with: some of them may show the shadow
too.
"""
UNSURE = 1.5
"""What is as much as this many times the spread of the other frames is no difference."""
NEAR = 7
"""Small pixels from the thing within which a shadow begins."""
HEAD = 0.4
"""Share of a thing, from the top, beside which no shadow begins."""
LOOKS = 2
"""Looks to either side that have a say in what is a shadow."""
SOON = 2
"""Frames to the next look at a dark shadow that no other look sees: that of a thing that jumps is
there for a moment.
"""
DEEP = 0.3
"""How much darker such a shadow is."""
LARGEST = 1.2
"""More than this many times the thing's own area is no shadow but a mistake."""
RIM = 3
"""Small pixels that the result is widened by: soft edges go on where they can't be measured."""
GAP = 5
"""Small pixels between a thing and what it affects, or between two parts of that, that belong to
it: a sliver of a shadow that stays is worse than none found.
"""
EDGE = 0.004
"""How far a thing's soft edge reaches beyond its mask, as a share of the picture's longer side."""
_DARK = 10.0
_KEPT = 12


class Affected:
    """Where the things in a region cast shadows and reflections. Looks at the clip when asked;
    what it finds on a frame doesn't depend on what was asked for before.
    """

    def __init__(self, reader: Frames, region: Region) -> None:
        self._footage = Footage(reader, region)
        self._camera = Camera(self._footage)
        self._left = LeftOver(self._footage, self._camera)
        self._seen: OrderedDict[int, tuple[Mask, Mask]] = OrderedDict()
        self._found: OrderedDict[int, Mask] = OrderedDict()
        self._jumps: set[int] = set()

    def at(self, index: int) -> Mask:
        """bool (H, W): what the things affect on a frame, beside the region."""
        footage = self._footage
        hole = footage.hole(index)
        if not hole.any():
            return np.zeros_like(hole)
        own = footage.small_hole(index)
        total, weight = np.zeros(own.shape, np.float32), 1e-6
        for at in self._around(index):
            share = 1 - abs(at - index) / STEP
            agreed = self._agreed(at)
            total += share * moved(agreed, footage.small_hole(at), own, at in self._jumps)
            weight += share
        soft = cv2.GaussianBlur(total / weight, (0, 0), 1.0)
        found = (cv2.dilate((soft > 0.45).astype(np.uint8), disc(RIM)) > 0) | self._left.at(index)
        if not found.any():
            return np.zeros_like(hole)
        small = without_gaps(found, own)
        large = cv2.resize(cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1.0), footage.size, interpolation=cv2.INTER_LINEAR) > 0.5
        return np.asarray(large & ~hole, bool)

    def _around(self, index: int) -> list[int]:
        """The frames looked at that say what this one shows."""
        start = self._footage.range.start
        before = max(index - index % STEP, start)
        if before == index:
            return [index]
        shot = self._camera.shot(index, STEP)
        usable = [one for one in (before, before + STEP) if one in shot and self._footage.hole(one).any()]
        return usable or [index]

    def _agreed(self, index: int) -> Mask:
        """What at least two looks see, this one and those before and after it, each moved as the
        thing has: what other times show differs from look to look, and so do mistakes.
        """
        if index not in self._found:
            footage, shot = self._footage, self._camera.shot(index, LOOKS * STEP)
            own = footage.small_hole(index)
            asked = (index + number * STEP for number in range(-LOOKS, LOOKS + 1))
            looks = [one for one in asked if one in shot and footage.hole(one).any()]
            votes = np.zeros(own.shape, np.float32)
            for one in looks:
                votes += moved(self._look(one)[0], footage.small_hole(one), own, jumps=False)
            seen = (votes >= min(2, len(looks)) - 0.2) & ~own
            brief = self._brief(index, seen) & ~own
            if brief.any():
                self._jumps.add(index)
            seen |= brief
            self._found[index] = _touching(seen, _foot(own))
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return self._found[index]

    def _brief(self, index: int, seen: Mask) -> Mask:
        """bool (h, w): a dark shadow that only this look sees and a frame next to it, too."""
        deep = self._look(index)[1]
        if not deep.any() or (deep & seen).any():
            return np.zeros_like(deep)
        footage, shot = self._footage, self._camera.shot(index, SOON)
        own, soon = footage.small_hole(index), np.zeros(deep.shape, np.float32)
        for one in (index - SOON, index + SOON):
            if one in shot and footage.hole(one).any():
                soon = np.maximum(soon, moved(self._look(one)[0], footage.small_hole(one), own, jumps=True))
        return np.asarray(deep & (cv2.dilate(soon, disc(RIM)) > 0.5))

    def _look(self, index: int) -> tuple[Mask, Mask]:
        """Where the frame differs from other times as a shadow or reflection does, and where as
        deeply as only a shadow does, bool (h, w) each.
        """
        if index not in self._seen:
            self._seen[index] = self._compare(index)
            while len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
        return self._seen[index]

    def _compare(self, index: int) -> tuple[Mask, Mask]:
        footage = self._footage
        own = footage.small_hole(index)
        nothing = np.zeros_like(own)
        box = bounding_box(own)
        if box is None:
            return nothing, nothing
        area = box.grow(round(REACH * max(box.width, box.height)) + 12, own.shape)
        pictures, things = self._other_times(index, area)
        if len(pictures) < LEAST_SOURCES:
            return nothing, nothing
        logs = np.sort(np.log(np.stack(pictures) + _DARK), 0)  # what is unknown comes last
        count = np.isfinite(logs).sum(0)

        def rank(share: float) -> NDArray[np.float32]:
            return np.take_along_axis(logs, np.rint(share * np.maximum(count - 1, 0)).astype(int)[None], 0)[0]

        usual, bright, brighter = rank(0.5), rank(USUAL), rank(BRIGHT)
        spread = np.stack([(brighter - bright).mean(-1), (0.5 * (rank(0.75) - rank(0.25))).mean(-1)], -1)
        known = (count[..., 0] >= LEAST_SOURCES) & ~area.crop(own)
        now = np.log(area.crop(footage.small(index)).astype(np.float32) + _DARK)
        far = known & (cv2.distanceTransform((~area.crop(own)).astype(np.uint8), cv2.DIST_L2, 3) > NEAR)
        if far.sum() < 100:
            return nothing, nothing
        changes = [now - np.nan_to_num(other) for other in (bright, usual)]
        darker, change = (_averaged(one - np.median(one[far], 0), known) for one in changes)
        spread = _averaged(np.nan_to_num(spread), known)
        found, deep = nothing.copy(), nothing.copy()
        thing = area.crop(own)
        shown, foot = _shapes(darker, change, spread, known, thing), _foot(thing)
        whole = shown | unexplained(extended(shown, now, thing, foot) & ~shown, shown, thing, pictures, things)
        area.crop(found)[:] = whole if whole.sum() <= LARGEST * thing.sum() else shown
        area.crop(deep)[:] = _deep(shown, darker, foot)
        return found, deep

    def _other_times(self, index: int, area: Box[int]) -> tuple[list[NDArray[np.float32]], list[Mask]]:
        """Part of a small frame as others show it, float32 (h, w, 3), NaN where they don't; and
        where the thing is then, bool (h, w).
        """
        footage = self._footage
        found: list[NDArray[np.float32]] = []
        things: list[Mask] = []
        for source in self._sources(index):
            hole = footage.small_hole(source)
            layer = Layer(footage.small(source), footage.small(source), ~hole, ~hole)
            matrix = self._camera.between(source, index)
            laid = align(footage, index, layer, matrix, refine=True, around=area)
            if laid is not None:
                things.append(area.crop(cv2.warpPerspective(hole.astype(np.uint8), matrix, hole.shape[::-1])) > 0)
                # The light that was matched around the hole is the very shadow that is looked for.
                found.append(np.where(laid.clear[..., None], np.clip(laid.laid - laid.light, 0, 255), np.nan))
        return found, things

    def _sources(self, index: int) -> list[int]:
        """Frames of the shot where the thing is elsewhere in the scene, the farthest from its place
        here first.
        """
        footage = self._footage
        shot = self._camera.shot(index, OFFSETS[-1])
        own = footage.small_hole(index)
        quarter = np.diag([0.25, 0.25, 1.0])
        size = own[::4, ::4].shape[::-1]
        box = bounding_box(own)
        room = 1 if box is None else 1 + 2 * (round(APART * max(box.width, box.height)) // 4)
        here = cv2.dilate(own[::4, ::4].astype(np.uint8), np.ones((room, room), np.uint8)) > 0
        footage.read(max(shot.start, index - OFFSETS[-1]), min(shot.stop, index + OFFSETS[-1] + 1))
        overlaps = []
        for offset in OFFSETS:
            for source in (index - offset, index + offset):
                if source in shot:
                    matrix = quarter @ self._camera.between(source, index) @ np.linalg.inv(quarter)
                    there = cv2.warpPerspective(footage.small_hole(source)[::4, ::4].astype(np.uint8), matrix, size) > 0
                    overlaps.append((int((there & here).sum()), offset, source))
        return [source for _, _, source in sorted(overlaps)[:SOURCES]]


def affected_masks(reader: Frames, things: Region, context: JobContext) -> MaskSequence:
    """What things affect on the frames of a clip.

    Args:
        reader: The clip.
        things: Their masks, not widened into a region.
        context: Reports frames, and can cancel.

    Returns:
        The masks of shadows and reflections, beside the things.

    Raises:
        Cancelled: A person stopped the job.
    """
    frames = things.frames
    height, width = things[frames.start].shape
    region = _Widened(things, max(1, round(EDGE * max(height, width))))
    result = MaskSequence.empty((width, height), frames.start, frames.stop)
    affected = Affected(reader, region)
    for done, frame in enumerate(frames):
        context.report("looking for shadows", done, len(frames))
        mask = affected.at(frame)
        if mask.any():
            result.set(frame, mask)
    return result


def affected_on(reader: Frames, things: Region, frame: int) -> Mask:
    """What things affect on one frame of a clip.

    Args:
        reader: The clip.
        things: Their masks, not widened into a region.
        frame: The frame.

    Returns:
        bool (H, W), beside the things.
    """
    height, width = things[frame].shape
    return Affected(reader, _Widened(things, max(1, round(EDGE * max(height, width))))).at(frame)


def united(one: MaskSequence, *others: MaskSequence) -> MaskSequence:
    """The masks of several sequences together, on the frames of the first."""
    result = one.copy()
    for other in others:
        for frame in one.frames:
            if frame in other.frames and not other.is_empty(frame):
                result.set(frame, result[frame] | other[frame])
    return result


class _Widened:
    """Masks with their soft edges, which show the thing too."""

    def __init__(self, masks: Region, pixels: int) -> None:
        self._masks, self.frames = masks, masks.frames
        self._around = disc(pixels)

    def __getitem__(self, frame: int) -> Mask:
        mask = self._masks[frame]
        return cv2.dilate(mask.astype(np.uint8), self._around) > 0 if mask.any() else mask


def without_gaps(affected: Mask, own: Mask) -> Mask:
    """What is affected (h, w) with the narrow gaps between its parts and between it and the thing,
    `own` (h, w). It overlaps the thing, so that no gap opens where both are enlarged.
    """
    padded = np.pad(affected | own, 2 * GAP).astype(np.uint8)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc(GAP))[2 * GAP : -2 * GAP, 2 * GAP : -2 * GAP]
    return np.asarray((closed > 0) & (cv2.dilate(affected.astype(np.uint8), disc(GAP)) > 0))


def _averaged(values: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), SMOOTH)
    total = cv2.GaussianBlur(np.where(known[..., None], values, 0).astype(np.float32), (0, 0), SMOOTH)
    return np.asarray(total.reshape(values.shape) / np.maximum(weight, 1e-3)[..., None], np.float32)


def _shapes(darker: NDArray[np.float32], change: NDArray[np.float32], spread: NDArray[np.float32], known: Mask, own: Mask) -> Mask:
    """Find the shadow and the reflection beside a thing.

    Args:
        darker: float32 (h, w, 3), how the frame differs from the brighter half of the others.
        change: float32 (h, w, 3), how it differs from what is usual.
        spread: float32 (h, w, 2), how much the brighter half differ, and how much all do.
        known: bool (h, w), where there is something to compare.
        own: bool (h, w), the thing.

    Returns:
        bool (h, w).
    """
    light = darker.mean(-1) + UNSURE * spread[..., 0]
    tint = np.abs(darker - darker.mean(-1, keepdims=True)).max(-1)
    grey = known & (tint < TINT - 0.5 * darker.mean(-1))
    differs = np.abs(change).max(-1) - UNSURE * spread[..., 1]
    floor = known & _below(own)
    core = _touching((grey & (light < -DARKER)) | (floor & (differs > CHANGED)), _foot(own))
    edge = (grey & (light < -SOFT_EDGE)) | (floor & (differs > 0.5 * CHANGED))
    near = cv2.dilate(core.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    found = cv2.morphologyEx((core | (edge & near)).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    found &= ~own
    return found if found.sum() <= LARGEST * own.sum() else np.zeros_like(found)


def _deep(found: Mask, darker: NDArray[np.float32], foot: Mask) -> Mask:
    """The parts of what was found, bool (h, w), that begin at the thing and are all dark, by
    `darker` as for `_shapes`.
    """
    count, labels = cv2.connectedComponents(_touching(found, foot).astype(np.uint8))
    light = darker.mean(-1)
    kept = [part for part in range(1, count) if np.quantile(light[labels == part], 0.25) < -DEEP]
    return np.isin(labels, kept) if kept else np.zeros_like(found)


def _foot(own: Mask) -> Mask:
    """Where a shadow begins: beside the lower part of a thing, not around its head."""
    box = bounding_box(own)
    low = own.copy()
    if box is not None:
        low[: box.y0 + round(HEAD * box.height)] = False
    return cv2.dilate(low.astype(np.uint8), np.ones((2 * NEAR + 1,) * 2, np.uint8)) > 0


def _touching(parts: Mask, reach: Mask) -> Mask:
    """The connected parts that reach the thing, without specks."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(parts.astype(np.uint8))
    kept = [part for part in range(1, count) if stats[part, cv2.CC_STAT_AREA] >= 24 and (reach & (labels == part)).any()]
    return np.isin(labels, kept) if kept else np.zeros_like(parts)


def _below(own: Mask) -> Mask:
    """Where a thing would be mirrored in the floor or the water that it stands on: below each of
    its columns, as far as the column is high.
    """
    rows = np.arange(own.shape[0])[:, None]
    there = own.any(0)
    low = own.shape[0] - 1 - own[::-1].argmax(0)
    high = own.argmax(0)
    columns = (rows > low) & (rows <= 2 * low - high) & there
    return np.asarray(cv2.dilate(columns.astype(np.uint8), np.ones((1, 9), np.uint8)) > 0)
