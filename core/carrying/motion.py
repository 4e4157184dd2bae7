"""Where each pixel of a thing lies on the keyframe, frame by frame: dense flow between neighbours,
chained and held to the keyframe itself, so that errors do not add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.diffusion import diffuse
from core.carrying.whole import whole_motion
from core.geometry import Box
from core.masks import bounding_box, depth_inside
from core.render.flow import DenseFlow, sample

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

SIDE = 420
"""Pixels that the keyframe's region has on its longer side at most where motion is read."""
FRAME_SIDE = 1280
"""And the whole frame."""
MARGIN = 12
"""Small pixels around the region in which motion is read too."""
FREE, MISS = 0.5, 1.0
"""Small pixels by which flow forth and back may miss for nothing, and what then costs trust."""
ALIKE = 10.0
"""8-bit levels by which neighbours may differ where their flow is continued from around."""
EDGE = 8.0
"""Small pixels from the region's edge within which it may show what is around the thing."""
STRUCTURE = 300.0
"""Squared slope, in 8-bit levels, from which on a place has enough structure to be told."""
CUT = 34.0
"""8-bit levels by which neighbours of two shots differ on average, at least."""
FARTHEST = 6.0
"""Small pixels by which the keyframe itself may correct the chain at once."""
UNLIKE = 26.0
"""8-bit levels by which a pixel may differ from its place on the keyframe."""
LIGHT, LIGHT_REACH, DARK = (0.4, 2.5), 6.0, 8.0
"""How much darker or brighter the same place may be, the small pixels over which light is even, and
8-bit levels that are added so that darkness has a share, too.
"""
EVEN, UNEVEN = 0.4, 60.0
"""How much the light may differ from place to place (of its logarithm), and 8-bit levels that more
costs.
"""
LATEST, KEPT = 16, 48
"""States that are kept: the latest, and others at even distances."""
MEMORY = 96 * 2**20
"""Bytes of states from which on fewer are kept beside the latest."""
SURE = 0.5
"""Trust from which on a correspondence counts."""
ALIKE_AGAIN = 0.5
"""Likeness from which on a place is taken for found again."""
RIGID = 1.0
"""Small pixels by which they may miss one motion of the whole, where that finds others again."""
HELD = 2
"""The chain is held to the keyframe on every so many-th frame."""


class Frames(Protocol):
    """Frames on demand."""

    def frames(self, start: int, stop: int) -> Iterable[Frame]: ...


class Region(Protocol):
    """Masks on demand."""

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> Mask: ...

    def is_empty(self, frame: int) -> bool: ...


@dataclass(frozen=True)
class Correspondence:
    """Where a part of a frame comes from.

    Attributes:
        frame: The frame.
        box: The part, in small pixels, (h, w) in size.
        origin: (h, w, 2), the place (x, y) on the keyframe of each pixel, in small pixels.
        sure: (h, w) in [0, 1], how far that can be trusted.
        covered: Small pixels of the region.
    """

    frame: int
    box: Box[int]
    origin: Floats
    sure: Floats
    covered: int = 0

    def pairs(self) -> tuple[Floats, Floats]:
        """Sure places on the keyframe and on the frame, (N, 2) each, in small pixels."""
        rows, columns = np.nonzero(self.sure > SURE)
        end = np.stack([columns + self.box.x0, rows + self.box.y0], -1).astype(np.float32)
        return self.origin[rows, columns].astype(np.float32), end


@dataclass(frozen=True)
class _Picture:
    """A frame as motion is read from it: small, gray and in colour, and its region."""

    gray: Frame
    colour: Frame
    mask: Floats
    box: Box[int]


class ThingMotion:
    """Follows the thing in `region` from a keyframe through the frames before and after it.

    What it gives for a frame depends on the frames between it and the keyframe only, not on what it
    was asked before. It keeps the latest states and some on the way, so that it can be asked in any
    order.
    """

    def __init__(self, reader: Frames, region: Region, keyframe: int) -> None:
        self._reader, self._region, self._keyframe = reader, region, keyframe
        mask = region[keyframe]
        self.size = (mask.shape[1], mask.shape[0])
        box = bounding_box(mask)
        longest = max(box.width, box.height) if box is not None else 1
        scale = min(1.0, SIDE / longest, FRAME_SIDE / max(self.size))
        self.small_size = (max(round(self.size[0] * scale), 8), max(round(self.size[1] * scale), 8))
        self._fine = DenseFlow(fine=True, exact=True)
        self._pictures: dict[int, _Picture] = {}
        (frame,) = reader.frames(keyframe, keyframe + 1)
        self._key = self._small(frame, mask)
        self._before: tuple[int, _Picture] | None = None
        self._states: dict[int, Correspondence] = {}
        self._latest: list[int] = []
        self._apart = LATEST

    def at(self, index: int) -> Correspondence:
        """The correspondence of a frame that has a region.

        Args:
            index: Number of the frame.

        Returns:
            Where its pixels come from.
        """
        step = 1 if index >= self._keyframe else -1
        between = [frame for frame in self._states if (frame - self._keyframe) * step >= 0 and (index - frame) * step >= 0]
        state = self._states[max(between, key=lambda frame: abs(frame - self._keyframe))] if between else self._start()
        while state.frame != index:
            state = self._advance(state, state.frame + step)
            self._keep(state)
        return state

    def full_size(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """A motion 3x3 of small pixels as one of source pixels."""
        across, down = self.small_size[0] / self.size[0], self.small_size[1] / self.size[1]
        # Pixel centres lie at halves.
        small = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])
        whole = np.linalg.inv(small) @ matrix @ small
        return np.asarray(whole / whole[2, 2], np.float64)

    def _keep(self, state: Correspondence) -> None:
        """Remember a state, and forget most of those that are not the latest."""
        self._states[state.frame] = state
        self._latest.append(state.frame)
        if len(self._latest) > LATEST:
            old = self._latest.pop(0)
            if old not in self._latest and (old - self._keyframe) % self._apart:
                self._states.pop(old, None)
        held = sum(kept.origin.nbytes + kept.sure.nbytes for kept in self._states.values())
        if len(self._states) > LATEST + KEPT or held > MEMORY:
            self._apart *= 2
            for frame in [f for f in self._states if (f - self._keyframe) % self._apart and f not in self._latest]:
                del self._states[frame]

    def _start(self) -> Correspondence:
        box = self._key.box
        rows, columns = np.mgrid[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32)
        self._before = (self._keyframe, self._key)
        return Correspondence(
            self._keyframe, box, np.stack([columns, rows], -1), box.crop(self._key.mask).copy(), int((self._key.mask > 0.3).sum())
        )

    def _picture(self, index: int) -> _Picture:
        """A frame as motion is read from it. Frames are read in runs, so that none is decoded from
        far away each time, also backwards.
        """
        if index not in self._pictures:
            known = self._region.frames
            back = index < self._keyframe
            start, stop = (index + 1 - LATEST, index + 1) if back else (index, index + LATEST)
            start, stop = max(start, known.start), min(stop, known.stop)
            self._pictures = {
                number: self._small(frame, self._region[number])
                for number, frame in zip(range(start, stop), self._reader.frames(start, stop), strict=True)
            }
        return self._pictures[index]

    def _small(self, frame: Frame, mask: Mask) -> _Picture:
        small = np.asarray(cv2.resize(frame, self.small_size, interpolation=cv2.INTER_AREA), np.uint8)
        cover = np.asarray(cv2.resize(mask.astype(np.float32), self.small_size, interpolation=cv2.INTER_AREA), np.float32)
        box = bounding_box(cover > 0)
        box = Box(0, 0, 1, 1) if box is None else box.grow(MARGIN, cover.shape)
        return _Picture(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8), small, cover, box)

    def _advance(self, state: Correspondence, index: int) -> Correspondence:
        """The correspondence of a neighbour of a frame whose own is known."""
        before = self._before[1] if self._before is not None and self._before[0] == state.frame else self._picture(state.frame)
        now = self._picture(index)
        self._before = (index, now)
        box = now.box
        empty = self._region.is_empty(index)
        gone = empty or self._region.is_empty(state.frame) or _cut(before.gray, now.gray)
        if gone:
            moved = Correspondence(index, box, self._by_box(now), np.zeros(box.shape, np.float32))
        else:
            moved = self._chained(state, before, now, index)
        if empty:
            return moved
        moved = replace(moved, covered=int((now.mask > 0.3).sum()))
        moved = self._as_a_whole(moved, now)
        if gone or abs(index - self._keyframe) % HELD == 0:
            moved = self._held(moved, now, first=gone)
        return moved

    def _chained(self, state: Correspondence, before: _Picture, now: _Picture, index: int) -> Correspondence:
        """By the flow to the neighbour and back."""
        area = before.box.union(now.box)
        one, two = (np.ascontiguousarray(area.crop(picture.gray)) for picture in (now, before))
        there, back = self._fine.between(one, two), self._fine.between(two, one)
        rows, columns = np.mgrid[: area.height, : area.width].astype(np.float32)
        miss = np.linalg.norm(there + sample(back, columns + there[..., 0], rows + there[..., 1]), axis=-1)
        trust = np.exp(-((np.maximum(miss - FREE, 0) / MISS) ** 2)).astype(np.float32)
        trust *= area.crop(now.mask) > 0.3
        there = _evened(there, trust * _structure(one, trust), columns, rows, area.crop(now.mask))
        at = columns + there[..., 0], rows + there[..., 1]
        # Where nothing tells one place from another, what moves with its surroundings is as good.
        left = np.linalg.norm(area.crop(now.colour).astype(np.float32) - sample(area.crop(before.colour), *at), axis=-1)
        alike = np.exp(-((cv2.GaussianBlur(left, (0, 0), 1.5) / ALIKE) ** 2))
        trust = np.asarray(np.maximum(trust, 0.97 * alike), np.float32)
        x, y = at[0] + (area.x0 - state.box.x0), at[1] + (area.y0 - state.box.y0)
        part = now.box.moved(-area.x0, -area.y0)
        x, y, trust = part.crop(x), part.crop(y), part.crop(trust)
        sure = np.asarray(cv2.remap(state.sure, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)
        origin = np.asarray(sample(state.origin, x, y), np.float32)
        sure = np.asarray(sure * trust * (now.box.crop(now.mask) > 0.3), np.float32)
        return self._continued(Correspondence(index, now.box, origin, sure))

    def _continued(self, state: Correspondence) -> Correspondence:
        """Places that nothing is known of move like those around them."""
        rows, columns = np.mgrid[state.box.y0 : state.box.y1, state.box.x0 : state.box.x1].astype(np.float32)
        here = np.stack([columns, rows], -1)
        known = np.where(state.sure > 0.3, state.sure, 0).astype(np.float32)
        if not known.any():
            return state
        x, y = columns - state.box.x0, rows - state.box.y0
        origin = _evened(np.asarray(state.origin - here, np.float32), known, x, y) + here
        share = np.clip(state.sure / 0.3, 0, 1)[..., None]
        origin = np.asarray(share * state.origin + (1 - share) * origin, np.float32)
        return Correspondence(state.frame, state.box, origin, state.sure)

    def _as_a_whole(self, state: Correspondence, now: _Picture) -> Correspondence:
        """What comes out from behind something is found again where the motion of the whole thing
        says, if it looks like its place there.
        """
        start, end = state.pairs()
        motion = whole_motion(end, start, RIGID)
        if motion is None:
            return state
        rows, columns = np.mgrid[state.box.y0 : state.box.y1, state.box.x0 : state.box.x1].astype(np.float32)
        said = np.asarray(cv2.perspectiveTransform(np.stack([columns, rows], -1), motion), np.float32)
        colour = state.box.crop(now.colour).astype(np.float32)
        old, new = self._likeness(colour, state.origin), self._likeness(colour, said)
        apart = np.linalg.norm(said - state.origin, axis=-1)
        inside = state.box.crop(now.mask) > 0.3
        take = (apart > RIGID) & (new > np.maximum(old, ALIKE_AGAIN)) & inside
        share = cv2.GaussianBlur(take.astype(np.float32), (0, 0), 1.0)[..., None]
        origin = share * said + (1 - share) * state.origin
        again = (take | (apart <= RIGID)) & (new > ALIKE_AGAIN) & inside
        sure = np.maximum(state.sure, again * np.clip(1.5 * new, 0, 1))
        return replace(state, origin=np.asarray(origin, np.float32), sure=np.asarray(sure, np.float32))

    def _held(self, state: Correspondence, now: _Picture, first: bool) -> Correspondence:
        """Corrected by the keyframe itself: what the chain says it shows is compared with what the
        frame shows.
        """
        gray = np.ascontiguousarray(state.box.crop(now.gray))
        mask = state.box.crop(now.mask) > 0.3
        said = sample(self._key.gray, state.origin[..., 0], state.origin[..., 1])
        said = np.where(mask, said, gray)
        there, back = self._fine.between(gray, said), self._fine.between(said, gray)
        rows, columns = np.mgrid[: gray.shape[0], : gray.shape[1]].astype(np.float32)
        at = columns + there[..., 0], rows + there[..., 1]
        miss = np.linalg.norm(there + sample(back, *at), axis=-1)
        trust = np.exp(-((np.maximum(miss - FREE, 0) / MISS) ** 2)).astype(np.float32)
        if not first:
            trust *= np.linalg.norm(there, axis=-1) < FARTHEST
        better = sample(state.origin, *at)
        colour = state.box.crop(now.colour).astype(np.float32)
        old, new = self._likeness(colour, state.origin), self._likeness(colour, better)
        known = np.clip(cv2.remap(state.sure, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) * 4, 0, 1)
        # What nothing was known of has to be much alike there.
        take = trust * np.clip((new - old) * 8 + 0.5, 0, 1) * np.where(known > 0.5, known, new > 0.5) * mask
        take = np.asarray(cv2.GaussianBlur(take.astype(np.float32), (0, 0), 2.0), np.float32)[..., None]
        origin = np.asarray(take * better + (1 - take) * state.origin, np.float32)
        likeness = self._likeness(colour, origin)
        # What looks like its place on the keyframe is there, also after it was out of sight.
        seen = trust * likeness * mask
        sure = np.maximum(state.sure * np.clip(likeness * 3, 0, 1), seen * (0.9 if first else 0.7) * (likeness > 0.5))
        return replace(state, origin=origin, sure=np.asarray(sure, np.float32))

    def _likeness(self, colour: Floats, origin: Floats) -> Floats:
        """How much a part of a frame looks like its places on the keyframe, (h, w) in [0, 1]."""
        other = sample(self._key.colour, origin[..., 0], origin[..., 1]).astype(np.float32)
        apart, _ = compared(colour, other, np.ones(colour.shape[:2], np.float32), LIGHT_REACH)
        return np.exp(-((cv2.GaussianBlur(apart, (0, 0), 1.0) / UNLIKE) ** 2)).astype(np.float32)

    def _by_box(self, now: _Picture) -> Floats:
        """The places on the keyframe when the region's box is all that is known."""
        inner = bounding_box(now.mask > 0) or now.box
        key = bounding_box(self._key.mask > 0) or self._key.box
        rows, columns = np.mgrid[now.box.y0 : now.box.y1, now.box.x0 : now.box.x1].astype(np.float32)
        x = (columns - inner.x0) * (key.width / inner.width) + key.x0
        y = (rows - inner.y0) * (key.height / inner.height) + key.y0
        return np.stack([x, y], -1).astype(np.float32)


def compared(now: Floats, before: Floats, weight: Floats, reach: float) -> tuple[Floats, Floats]:
    """Compare two pictures of a thing in different light.

    Args:
        now: (h, w, 3).
        before: (h, w, 3), what it is compared with.
        weight: (h, w), how much each pixel says of the light.
        reach: Pixels over which the light is even.

    Returns:
        8-bit levels by which they differ beyond the light, (h, w), and the light on `now` as a
        share of that on `before`, (h, w).
    """
    weight = np.maximum(weight, 1e-3)
    one, other = (cv2.GaussianBlur(weight * (each.mean(-1) + DARK), (0, 0), reach) for each in (now, before))
    light = np.clip(one / other, *LIGHT)
    apart = np.linalg.norm(now + DARK - light[..., None] * (before + DARK), axis=-1)
    # Light that changes much beside light that does not is another thing.
    usual = float(np.median(light[weight > 0.3])) if (weight > 0.3).any() else 1.0
    apart += UNEVEN * np.maximum(np.abs(np.log(light / usual)) - EVEN, 0)
    return np.asarray(apart, np.float32), np.asarray(light, np.float32)


def _structure(gray: Frame, trust: Floats) -> Floats:
    """How well places of a part (h, w) can be told from those around them, (h, w) in [0, 1]: a flow
    can be consistent where it has nothing to hold on to.
    """
    image = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 0.8)
    edges = cv2.GaussianBlur(cv2.Sobel(image, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(image, cv2.CV_32F, 0, 1) ** 2, (0, 0), 2.0)
    inside = trust > 0.3
    usual = float(np.median(edges[inside])) if inside.any() else 1.0
    return np.asarray(np.clip(edges / max(usual, STRUCTURE), 0.03, 1), np.float32)


def _evened(flow: Floats, trust: Floats, columns: Floats, rows: Floats, mask: Floats | None = None) -> Floats:
    """A flow (h, w, 2) that goes on evenly where it can't be trusted: as an affine motion of the
    whole, and what parts of it move otherwise.
    """
    weight = trust.ravel()[::3].astype(np.float64)
    if weight.sum() < 30:
        return flow
    places = np.stack([columns.ravel()[::3], rows.ravel()[::3], np.ones(weight.size)], -1).astype(np.float64)
    ways = flow.reshape(-1, 2)[::3].astype(np.float64)
    for _ in range(3):
        left = places.T * weight
        motion = np.linalg.solve(left @ places + 1e-3 * np.eye(3), left @ ways)
        apart = np.linalg.norm(ways - places @ motion, axis=-1)
        weight = trust.ravel()[::3] / (1 + (apart / 2) ** 2)
    whole = np.stack([columns, rows, np.ones_like(rows)], -1) @ motion.astype(np.float32)
    if mask is not None:
        # At its edge the region may show what is around the thing, which moves otherwise.
        depth = depth_inside(mask > 0.3)
        apart = np.linalg.norm(flow - whole, axis=-1)
        trust = np.where(depth < EDGE, trust / (1 + apart**4), trust).astype(np.float32)
    around = diffuse(np.asarray(flow - whole, np.float32), trust) + whole
    return np.asarray(trust[..., None] * flow + (1 - trust)[..., None] * around, np.float32)


def _cut(one: Frame, two: Frame) -> bool:
    """Whether a shot ends between two small frames."""
    return bool(cv2.absdiff(one[::4, ::4], two[::4, ::4]).mean() > CUT)
