"""A keyframe as a change of its source: what its colours became, and what that does not explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.diffusion import diffuse
from core.carrying.additions import added_parts, Addition, additions_of
from core.carrying.bounds import around, changed_thing, missed_parts, reach_of, ROOM
from core.carrying.colours import ColourMap, Palette
from core.carrying.motion import compared, Correspondence, Frame, LIGHT_REACH, Mask, SURE, ThingMotion
from core.geometry import Box
from core.masks import bounding_box, depth_inside, Widths
from core.render.composite import composite, soft_edge
from core.render.flow import sample

Floats = NDArray[np.float32]
Depths = NDArray[np.int_]

AROUND = 40
"""Pixels around the region whose colours are those of what is around the thing."""
BRIDGED = 25
"""Pixels across which what a pattern leaves out is still taken as part of the thing."""
EDGE = 2.0
"""Pixels over which the outline of what is changed mixes with what is around it."""
RIM = 2
"""Pixels from the region's edge in which the change is looked for, to tell whether it is wider."""
CHANGED = 6.0
"""8-bit levels from which on a pixel is changed."""
DEPTHS = 24
"""Pixels from the region's edge up to which the change may fade towards it."""
SEE_THROUGH = 0.12
"""Share of the keyframe below which the feather leaves too little of it to tell the change."""
UNLIKE = 24.0
"""8-bit levels by which a pixel differs from its place on the keyframe when it is another."""
GONE = 0.5
"""What counts as unsupported of the region where an addition can't be placed."""
UNSUPPORTED = 55.0
"""8-bit levels of error to expect from which on a pixel's change is not supported."""


@dataclass(frozen=True)
class CarriedFrame:
    """A frame with the change on it.

    Attributes:
        picture: uint8 (H, W, 3), equal to the source outside the region.
        confidence: uint8 (H, W), 255 where the change is sure, 0 outside the region.
        unsupported: The share of the region where neither correspondences nor colours support the
            change.
    """

    picture: Frame
    confidence: NDArray[np.uint8]
    unsupported: float


class KeyframeChange:
    """What a keyframe changes of its source."""

    def __init__(self, source: Frame, picture: Frame, region: Mask, feather: Widths, thing: Mask | None = None) -> None:
        """Tell the change.

        Args:
            source: uint8 (H, W, 3), the frame.
            picture: uint8 (H, W, 3), the frame as it was accepted.
            region: bool (H, W).
            feather: How soft the region's edge is on it.
            thing: bool (H, W), the thing's own mask; None where only the region is known.
        """
        own = None if thing is None else changed_thing(source, picture, region, thing)
        mask = region if own is None else around(own, region, ROOM)
        self.reach = ROOM if own is None or thing is None else reach_of(own, thing)
        self.box = bounding_box(mask) or Box(0, 0, *mask.shape[::-1])
        if thing is not None:
            self.box = self.box.union(bounding_box(around(thing, region, self.reach)) or self.box)
        alpha = self.box.crop(soft_edge(region, feather))
        self.source = self.box.crop(source).copy()
        inside = self.box.crop(mask)
        before = self.source.astype(np.float32)
        shown = np.maximum(alpha, SEE_THROUGH)[..., None]
        difference = (self.box.crop(picture).astype(np.float32) - before) / shown
        weight = np.where(inside, np.clip((alpha - SEE_THROUGH) / 0.5, 0, 1), 0).astype(np.float32)
        if not weight.any():
            weight = inside.astype(np.float32)
        parts, self.thing = added_parts(source, picture, region, thing)
        added = self.box.crop(parts)
        changed = (np.abs(difference).max(-1) > CHANGED) & ~added
        weight[added] = 0
        depth = _depth(inside, None if own is None else self.box.crop(own))
        self.fade = _fade(changed, weight, depth)
        self.palette = self._palette_of(source, mask, changed & inside)
        shown_on = inside & ~self._beside(changed, inside, depth)
        # At the outline colours are mixed with those of what is around it.
        deep = depth_inside(shown_on)
        self.inner = np.where(shown_on, np.clip((deep - 1) / EDGE, 0.001, 1), 0).astype(np.float32)
        weight *= np.where(shown_on, np.clip((deep - 2.5) / EDGE, 1e-5, 1), 0).astype(np.float32)
        self.colours = ColourMap(*(each[weight > 0] for each in (before, before + difference, weight)))
        mapped = self.colours.of(self.source) - before
        # What the colours explain is no addition.
        unlike = np.abs(difference - mapped).mean(-1)
        self.additions = [each for each in additions_of(picture, parts) if _shown(each, self.box, unlike) > UNLIKE]
        added = self.box.crop(_covered(self.additions, mask.shape))
        rest = difference - mapped * self.shows(depth)[..., None]
        known = inside & (alpha > SEE_THROUGH)
        if own is not None:  # around the thing nothing is changed
            rest[~inside], known = 0, known | ~inside
        self.rest = diffuse(np.asarray(rest, np.float32), np.where(known & ~added, 1, 0).astype(np.float32))
        self.missed = None if own is None or thing is None else missed_parts(self.box.crop(own) & ~added, self.box.crop(thing))
        self.rim = int(np.argmax(self.fade == 1)) + round(EDGE) + 1

    def _beside(self, changed: Mask, inside: Mask, depth: Depths) -> Mask:
        """Where the region, (h, w), shows what is around the thing: nothing of it is changed."""
        if self.palette is None:
            return np.zeros_like(inside)
        rim = int(np.argmax(self.fade == 1))
        likely = cv2.GaussianBlur(self.palette.of(self.source), (0, 0), 1.0)
        near = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((BRIDGED, BRIDGED), np.uint8)) > 0
        # A pattern leaves parts of the thing as they are: what is beside it has other colours, and
        # is more than a bumpy edge.
        other = inside & ~changed & (depth > rim) & (likely < np.where(near, 0.3, 0.6))
        other = cv2.morphologyEx(other.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
        margin = inside & (depth <= rim)
        _, labels = cv2.connectedComponents((other | margin | ~inside).astype(np.uint8), connectivity=4)
        return np.asarray(margin | (other & np.isin(labels, np.unique(labels[margin]))))

    def _palette_of(self, source: Frame, mask: Mask, changed: Mask) -> Palette | None:
        """Tells the thing from what the region shows around it; None where it is no wider."""
        if self.fade[RIM] > 0.5 or changed.sum() < 50:
            return None
        near = self.box.grow(AROUND, mask.shape)
        outside = near.crop(source)[~near.crop(mask)]
        return Palette(self.source[changed].astype(np.float32), outside.astype(np.float32)) if len(outside) > 50 else None

    def mapped(self, picture: Frame, depth: Depths) -> Floats:
        """The change by colours alone of a part of a frame (h, w, 3): what is added to it."""
        change = self.colours.of(picture) - picture
        return np.asarray(change * self.shows(depth)[..., None], np.float32)

    def shows(self, depth: Depths) -> Floats:
        """How much of the change shows so deep in the region (h, w), in [0, 1]."""
        return np.asarray(self.fade[depth], np.float32)


def _shown(addition: Addition, box: Box[int], values: Floats) -> float:
    """The mean of values (h, w) of a part of the keyframe where an addition is."""
    alpha = np.zeros(values.shape, np.float32)
    at = addition.box.moved(-box.x0, -box.y0).clipped(values.shape)
    alpha[at.slices] = at.moved(box.x0 - addition.box.x0, box.y0 - addition.box.y0).crop(addition.picture[..., 3])
    return float((alpha * values).sum() / max(float(alpha.sum()), 1e-6))


def _covered(additions: Sequence[Addition], shape: tuple[int, ...]) -> Mask:
    """The pixels of a frame that additions touch."""
    covered = np.zeros(shape[:2], bool)
    for addition in additions:
        covered[addition.box.slices] |= addition.picture[..., 3] > 0.02
    return covered


def _within(inner: Floats) -> Floats:
    """How far a place is well inside the thing, from how far it is inside at all."""
    return np.clip((inner - 0.6) / 0.4, 0, 1)


def _depth(mask: Mask, thing: Mask | None) -> Depths:
    """Whole pixels from the edge of where the change is looked for (h, w), at most DEPTHS.

    Where the thing is known, they are counted from its outline, which is ROOM from that edge: then
    an outline that turns between the pixels is as deep as a straight one.
    """
    if thing is None or not thing.any():
        return np.minimum(depth_inside(mask), DEPTHS).astype(int)
    beside = np.maximum(ROOM + 1 - cv2.distanceTransform((~thing).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5), 1)
    return np.where(mask, np.clip(np.where(thing, ROOM + depth_inside(thing), beside), 0, DEPTHS), 0).astype(int)


def _fade(changed: Mask, weight: Floats, depth: Depths) -> Floats:
    """How much of the change shows so many pixels from the region's edge, (DEPTHS + 1,): less where
    the region is wider than what was changed.
    """
    flat = depth.ravel()
    own, all_ = np.bincount(flat, (weight * changed).ravel(), DEPTHS + 1), np.bincount(flat, weight.ravel(), DEPTHS + 1)
    own, all_ = np.cumsum(own[::-1])[::-1], np.cumsum(all_[::-1])[::-1]
    deep = own[DEPTHS // 3] / max(all_[DEPTHS // 3], 1) if all_[DEPTHS // 3] > 50 else own[0] / max(all_[0], 1)
    ring = np.bincount(flat, (weight * changed).ravel(), DEPTHS + 1) / np.maximum(np.bincount(flat, weight.ravel(), DEPTHS + 1), 1)
    fade = np.clip(ring / max(deep, 1e-3), 0, 1)
    fade[DEPTHS // 3 :] = 1
    fade[fade > 0.85] = 1
    return np.maximum.accumulate(fade).astype(np.float32)


class ChangeCarrier:
    """Puts a keyframe's change on other frames."""

    def __init__(self, change: KeyframeChange, motion: ThingMotion) -> None:
        self._change, self._motion = change, motion

    def carry(self, index: int, source: Frame, region: Mask, feather: Widths, thing: Mask | None = None) -> CarriedFrame:
        """Change a frame as the keyframe was changed.

        Args:
            index: Number of the frame.
            source: uint8 (H, W, 3).
            region: bool (H, W), its region.
            feather: How soft the region's edge is.
            thing: bool (H, W), the thing as it is `outlined`; None where only the region is known.

        Returns:
            The frame.
        """
        mask = region if thing is None else around(thing, region, ROOM)
        area = bounding_box(mask)
        if area is None:
            return CarriedFrame(source, np.zeros(mask.shape, np.uint8), 0.0)
        change = self._change
        inside, here = area.crop(mask), np.ascontiguousarray(area.crop(source))
        depth = _depth(inside, None if thing is None else area.crop(thing))
        x, y, sure = self._places(self._motion.at(index), area)
        before = sample(change.source, x, y).astype(np.float32)
        now = here.astype(np.float32)
        apart, light = compared(now, before, sure, LIGHT_REACH)
        alike = np.exp(-((apart / UNLIKE) ** 2))
        trust = np.asarray(np.clip(cv2.GaussianBlur(sure * alike, (0, 0), 1.5), 0, 1), np.float32)
        carried = sample(change.rest, x, y)
        inner = np.asarray(cv2.remap(change.inner, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)
        trust = np.where(self._misplaced(trust, inner, inside, depth), trust * _within(inner), trust).astype(np.float32)
        known = np.where(inside, trust * _within(inner), 0).astype(np.float32)
        spread = np.asarray(cv2.GaussianBlur(diffuse(carried, known), (0, 0), 3.0), np.float32)
        rest = trust[..., None] * carried + (1 - trust)[..., None] * spread
        if thing is not None:  # beside the thing nothing is changed, whatever the correspondences say
            rest *= np.where(depth <= ROOM, change.shows(depth), 1)[..., None]
        by_colour = change.mapped(here, depth)
        result = np.clip(np.rint(now + by_colour + rest * light[..., None]), 0, 255).astype(np.uint8)
        doubt = change.colours.doubts(here) * change.shows(depth)
        error = (1 - trust) * doubt
        confidence = np.where(inside, np.clip(255 * np.exp(-error / UNSUPPORTED), 1, 255), 0).astype(np.uint8)
        unsupported = float((error[inside] > UNSUPPORTED).mean()) if inside.any() else 0.0
        picture = source.copy()
        edge = soft_edge(region, feather)
        edited = composite(here, result, area.crop(edge))
        picture[area.slices] = np.where(inside[..., None], edited, here)
        for addition in change.additions:
            motion = addition.motion(*self._of_thing(index))
            if motion is None:
                unsupported = max(unsupported, GONE)
                continue
            colours, alpha = addition.onto(source, motion)
            picture = composite(picture, colours.clip(0, 255).astype(np.uint8), alpha * edge)
        sure_of = np.zeros(mask.shape, np.uint8)
        sure_of[area.slices] = confidence
        return CarriedFrame(picture, sure_of, unsupported)

    def outlined(self, index: int, source: Frame, region: Mask, thing: Mask) -> Mask:
        """The thing with what its mask misses: what comes from a changed part of the keyframe that
        the mask misses there, too. Elsewhere the mask is the better outline, since correspondences
        slip where the thing ends.

        Args:
            index: Number of the frame.
            source: uint8 (H, W, 3).
            region: bool (H, W), its region.
            thing: bool (H, W), the thing's own mask.

        Returns:
            bool (H, W).
        """
        if self._change.missed is None or self._change.reach <= ROOM:
            return thing
        wide = around(thing, region, self._change.reach)
        area = bounding_box(wide)
        if area is None:
            return thing
        x, y, sure = self._places(self._motion.at(index), area)
        missed = cv2.remap(self._change.missed, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        here, before = area.crop(source).astype(np.float32), sample(self._change.source, x, y).astype(np.float32)
        apart, _ = compared(here, before, sure, LIGHT_REACH)
        alike = (sure > SURE) | (cv2.GaussianBlur(apart, (0, 0), 1.5) < UNLIKE)
        more = ((missed > 0.5) & alike & area.crop(wide)).astype(np.uint8)
        mask = area.crop(thing)
        whole = mask | (cv2.morphologyEx(more, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)
        closed = cv2.morphologyEx(whole.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        _, labels = cv2.connectedComponents(closed)
        result = thing.copy()
        result[area.slices] = (closed > 0) & np.isin(labels, np.unique(labels[mask]))  # a part hangs on the thing
        return result

    def _of_thing(self, index: int) -> tuple[Floats, Floats]:
        """Places of the thing on the keyframe and on a frame, (N, 2) each, in source pixels."""
        (width, height), small = self._motion.size, self._motion.small_size
        scale = np.array([width / small[0], height / small[1]], np.float32)
        start, end = ((places + 0.5) * scale - 0.5 for places in self._motion.at(index).pairs())
        x, y = (np.clip(np.rint(start[:, axis]), 0, side - 1).astype(int) for axis, side in enumerate((width, height)))
        on = self._change.thing[y, x]
        return start[on], end[on]

    def _misplaced(self, trust: Floats, inner: Floats, inside: Mask, depth: Depths) -> Mask:
        """Where a pixel deep in the region is said to come from beside the thing: right only where
        the background shows into the region.
        """
        near = depth <= self._change.rim
        beside = (trust > 0.3) & (inner < 0.3) & inside
        if self._change.palette is None:
            return beside & ~near
        open_ = cv2.morphologyEx((beside & ~near).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
        _, labels = cv2.connectedComponents((open_ | (near & inside)).astype(np.uint8))
        return np.asarray((inner < 0.9) & ~near & ~(open_ & np.isin(labels, np.unique(labels[near & inside]))))

    def _places(self, found: Correspondence, area: Box[int]) -> tuple[Floats, Floats, Floats]:
        """Where full-size pixels of a part of a frame lie in the change's box, and how sure."""
        (width, height), small = self._motion.size, self._motion.small_size
        across, down = small[0] / width, small[1] / height
        columns = (np.arange(area.x0, area.x1, dtype=np.float32) + 0.5) * across - 0.5 - found.box.x0
        rows = (np.arange(area.y0, area.y1, dtype=np.float32) + 0.5) * down - 0.5 - found.box.y0
        at = [np.ascontiguousarray(each, np.float32) for each in np.meshgrid(columns, rows)]
        origin = sample(found.origin, at[0], at[1])
        sure = cv2.remap(found.sure, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        x = (origin[..., 0] + 0.5) / across - 0.5 - self._change.box.x0
        y = (origin[..., 1] + 0.5) / down - 0.5 - self._change.box.y0
        box = self._change.box
        sure = sure * ((x > -1) & (y > -1) & (x < box.width) & (y < box.height))
        return np.asarray(x, np.float32), np.asarray(y, np.float32), np.asarray(sure, np.float32)
