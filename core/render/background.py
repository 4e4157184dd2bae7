"""What lies behind a region: real background, found in other frames of the clip where it is seen.

Around the region the picture's own motion is known (optical flow between neighbours); it is continued into the region, and every hidden
pixel is followed along it, into the past and into the future, until it comes out. Positions are followed, not colours, so that nothing
blurs on the way. The longer the way and the worse the neighbours fit, the less a pixel is worth; what else is known (a smooth
continuation of what lies around the hole, a model's answer) is averaged in with weights of one over the squared error to be expected.
What lacks detail then gets texture like that around the hole, which moves with the background, and grain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.masks import bounding_box
from core.render.flow import DenseFlow
from core.render.grain import add_grain, grain_around
from core.render.texture import Texture

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]

REACH = 32
"""How many frames a pixel is followed each way."""
TRACKED = 480
"""Motion is read from pictures of this width at most."""
MARGIN = 28
"""Pixels, at that width, around the region's box whose motion is continued into it."""
ROOM = 40
"""Pixels around the region, full size, that its surroundings are."""
RIM = 3
"""Pixels around the region, full size, that may still show what is in it."""
SPREAD = (2, 6, 18)
"""Widths of the Gaussians, in pixels at the tracked width, that carry what is known around the hole into it."""
STEP = 0.15
"""What a frame of distance costs, in 8-bit levels of misfit."""
LAST = 12.0
"""What another frame may cost more than a finished one, whose hole was filled by guess."""
ERROR = 2.2
"""8-bit levels of error (root of the mean square) for each of cost: measured on real clips with pasted holes."""
GRID = 200
"""The smooth continuation runs on pictures of this many pixels a side at most."""
CONTRAST = 12.0
"""Pixels over which the surroundings are smoothed to tell how much detail a smooth continuation leaves out."""
MISFIT = 30.0
"""Following stops where the frames around the hole differ by more 8-bit levels: there is no telling what moved how."""


_GRAIN = 1
"""Sets the seeds of this grain apart from others."""
MEMORY = 384 * 2**20
"""Bytes of full-size frames that are kept: large frames are looked through less far."""


class Frames(Protocol):
    """Frames on demand."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Frame: ...

    def frames(self, start: int, stop: int) -> Iterable[Frame]: ...


class Region(Protocol):
    """Masks on demand."""

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> Mask: ...


@dataclass
class _Trail:
    """Where the hidden pixels of a frame come out: `rows`, `columns` (N) of the pixels; frame (-1: nowhere), x, y and cost of each, and
    whether it is in a hole that was filled."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    frame: NDArray[np.int64]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    cost: NDArray[np.float32]
    guessed: Mask


class BackgroundModel:
    """Looks behind `region` in the frames that it covers. Holds the full-size frames within REACH of those that are looked at."""

    def __init__(self, reader: Frames, region: Region) -> None:
        self._reader, self._region = reader, region
        self._kept: dict[int, Frame] = {}
        self._grays: dict[int, NDArray[np.uint8]] = {}
        self._holes: dict[int, Mask] = {}
        self._steps: dict[tuple[int, int], tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        self._trails: dict[int, list[_Trail]] = {}
        self._drifts: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._places: dict[int, NDArray[np.float64]] = {}
        self._texture: tuple[Texture, int, int] | None = None
        self._finished: tuple[int, Frame] | None = None
        self._flow = DenseFlow()

    def prepare(self, frames: Iterable[int], finished: tuple[int, Frame] | None = None) -> None:
        """Follow the hidden pixels of these neighbouring frames. `finished` is a frame whose own hole is filled, and its index: it shows
        what no other frame does."""
        wanted = sorted(frames)
        known = self._region.frames
        reach = int(np.clip(MEMORY // (3 * self._region[wanted[0]].size) // 2, 4, REACH))
        first, stop = max(wanted[0] - reach, known.start), min(wanted[-1] + reach + 1, known.stop)
        for store in (self._kept, self._grays, self._holes):
            for index in [index for index in store if not first <= index < stop]:
                del store[index]
        for pair in [pair for pair in self._steps if not (first <= pair[0] < stop and first <= pair[1] < stop)]:
            del self._steps[pair]
        unread = [index for index in range(first, stop) if index not in self._kept]
        if unread:
            for index, frame in zip(range(unread[0], unread[-1] + 1), self._reader.frames(unread[0], unread[-1] + 1), strict=True):
                self._take(index, frame)
        self._finished = finished
        self._trails = {index: [] for index in wanted}
        for side, order in ((-1, range(first, wanted[-1] + 1)), (1, range(stop - 1, wanted[0] - 1, -1))):
            before: _Trail | None = None
            for index in order:
                before = self._follow(index, index + side, before)
                if index in self._trails and before is not None:
                    self._trails[index].append(before)
        self._place(wanted)
        if self._texture is None:
            # Here, not when a hole is filled: which of them are may depend on what was made in an earlier run.
            self._texture = next((self._texture_of(index) for index in wanted if self._region[index].any()), None)

    def inpaint(self, index: int, source: Frame, answer: Frame | None = None) -> Frame:
        """`source` (H, W, 3), one of the frames that were looked at, with what lies behind the region, and the source itself outside.

        `answer` (H, W, 3) is what a model says.
        """
        mask = self._region[index]
        box = bounding_box(mask)
        if box is None:
            return source
        room, hole = _room(mask, box)
        around = source[room].astype(np.float32)
        smooth, missed = _continued(around, hole)
        total, weights = smooth / missed**2, np.full(hole.shape, 1 / missed**2, np.float32)
        if answer is not None:
            total, weights = total + answer[room].astype(np.float32) / missed**2, weights * 2
        for trail in self._trails[index]:
            which = np.isfinite(trail.cost) & mask[trail.rows, trail.columns]
            at = trail.rows[which] - room[0].start, trail.columns[which] - room[1].start
            weight = 1 / (ERROR * trail.cost[which] + 1 + missed / 2 * trail.guessed[which]) ** 2
            total[at] += self._colours(trail, which) * weight[:, None]
            weights[at] += weight
        result = source.copy()
        filled = self._textured(index, total / weights[..., None], around, hole, room)
        pixels = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
        neighbour = self._kept.get(index - 1, self._kept.get(index + 1))
        level = grain_around(source[room], hole, None if neighbour is None else neighbour[room])
        pixels = add_grain(pixels, hole.astype(np.float32), level, (index, _GRAIN))
        np.copyto(result[room], pixels, where=mask[room][..., None])
        return result

    def _place(self, wanted: list[int]) -> None:
        """Say where the background of these neighbouring frames lies, beside that of the frame that was looked at first."""
        known = [index for index in wanted if index in self._places]
        if not known:  # the first of all, or behind a gap
            self._places[wanted[0]] = self._places[max(self._places)] if self._places else np.eye(3)
            known = [wanted[0]]
        for side, order in ((-1, range(known[0] + 1, wanted[-1] + 1)), (1, range(known[0] - 1, wanted[0] - 1, -1))):
            for index in order:
                if index not in self._places:
                    self._places[index] = self._places[index + side] @ self._drifts.get((index, index + side), np.eye(3))

    def _texture_of(self, index: int) -> tuple[Texture, int, int] | None:
        """What surrounds the hole of a frame looks like; and where, x and y, its picture begins."""
        mask = self._region[index]
        box = bounding_box(mask)
        if box is None:
            return None
        room, hole = _room(mask, box)
        picture = self._kept[index][room].astype(np.float32)
        return Texture(picture, hole, mask.shape[1], index), room[1].start, room[0].start

    def _textured(
        self, index: int, fill: NDArray[np.float32], around: NDArray[np.float32], hole: Mask, room: tuple[slice, slice]
    ) -> NDArray[np.float32]:
        """`fill` (h, w, 3) of `hole` with the texture that lies on the background."""
        if self._texture is None:
            return fill
        texture, left, top = self._texture
        rows, columns = np.mgrid[room]
        matrix = self._places[index]
        x = matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2] - left
        y = matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2] - top
        return texture.over(np.asarray(fill, np.float32), around, hole, x, y)

    def _take(self, index: int, frame: Frame) -> None:
        scale = min(1.0, TRACKED / frame.shape[1])
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._grays[index] = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        self._kept[index] = frame
        self._holes[index] = cv2.dilate(self._region[index].astype(np.uint8), np.ones((2 * RIM + 1,) * 2, np.uint8)) > 0

    def _colours(self, trail: _Trail, which: Mask) -> NDArray[np.float32]:
        """(n, 3): the pixels of a trail where they come out."""
        frames, x, y = trail.frame[which], trail.x[which], trail.y[which]
        result = np.zeros((len(x), 3), np.float32)
        for frame in np.unique(frames):
            own = frames == frame
            picture = self._finished[1] if self._finished is not None and frame == self._finished[0] else self._kept[int(frame)]
            # Rows of the map are cut short, as remap takes 32767 pixels a side at most.
            for part in np.array_split(np.flatnonzero(own), -(-int(own.sum()) // 16384)):
                result[part] = cv2.remap(picture, x[part][None], y[part][None], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)[0]
        return result

    def _follow(self, index: int, to: int, before: _Trail | None) -> _Trail | None:
        """The trail of frame `index` that goes over its neighbour `to`, whose own trail is `before`; None where nothing is hidden."""
        hole = self._holes[index]
        rows, columns = np.nonzero(hole)
        if len(rows) == 0:
            return None
        count = len(rows)
        nowhere, zeros = np.full(count, np.inf, np.float32), np.zeros((2, count), np.float32)
        trail = _Trail(rows, columns, np.full(count, -1), zeros[0], zeros[1], nowhere, np.zeros(count, bool))
        if to not in self._kept:
            return trail
        flow, misfit = self._step(index, to)
        x, y = columns + flow[:, 0], rows + flow[:, 1]
        height, width = hole.shape
        near_x, near_y = np.rint(x).astype(int), np.rint(y).astype(int)
        inside = (near_x >= 0) & (near_x < width) & (near_y >= 0) & (near_y < height) & (misfit < MISFIT)
        near_x, near_y = np.clip(near_x, 0, width - 1), np.clip(near_y, 0, height - 1)
        done = self._finished is not None and self._finished[0] == to
        hidden = self._holes[to][near_y, near_x]
        out = inside & (~hidden | done)
        trail.frame[out], trail.x[out], trail.y[out] = to, x[out], y[out]
        trail.cost[out], trail.guessed[out] = STEP + misfit[out], hidden[out]
        if before is not None:
            number = np.full(hole.shape, -1)
            number[before.rows, before.columns] = np.arange(len(before.rows))
            on = inside & hidden
            last = number[near_y, near_x]
            on &= (last >= 0) & np.isfinite(before.cost[last])
            cost = before.cost[last] + STEP + 0.3 * misfit
            # A finished frame ends the trail only where nothing goes on behind it.
            on &= cost < trail.cost + LAST * (trail.guessed & ~before.guessed[last])
            which = last[on]
            trail.frame[on] = before.frame[which]
            trail.x[on] = before.x[which] + (x - near_x)[on]
            trail.y[on] = before.y[which] + (y - near_y)[on]
            trail.cost[on], trail.guessed[on] = cost[on], before.guessed[which]
        return trail

    def _step(self, index: int, to: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For each hidden pixel of frame `index`: its motion (N, 2) to a neighbouring frame, full size, and the misfit around it."""
        if (index, to) not in self._steps:
            self._steps[index, to] = self._motion(index, to)
        return self._steps[index, to]

    def _motion(self, index: int, to: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        hole = self._holes[index]
        whole = self._grays[index].shape
        scale = whole[1] / hole.shape[1]
        covers = [cv2.resize(self._holes[at].astype(np.float32), whole[::-1], interpolation=cv2.INTER_AREA) > 0 for at in (index, to)]
        box = bounding_box(covers[0]) or Box(0, 0, 1, 1)
        margin = MARGIN + max(box.shape) // 4
        area = box.grow(margin, covers[0].shape).slices
        one, two = (self._grays[at][area] for at in (index, to))
        covered = [cover[area] for cover in covers]
        flow = self._flow.between(one, two)
        rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
        at_x, at_y = columns + flow[..., 0], rows + flow[..., 1]
        moved = cv2.remap(two, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = cv2.GaussianBlur(np.abs(moved.astype(np.float32) - one), (0, 0), 1.5)
        landed = cv2.remap(covered[1].astype(np.uint8), at_x, at_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE) > 0
        # A flow is not to be trusted within its patch size of what it must not see.
        near = cv2.dilate(covered[0].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        weight = (~near & ~landed).astype(np.float32) / (1 + (error / 4) ** 2)
        trend, drift = _trend(flow, weight, rows, columns)
        to_small = np.array([[scale, 0, 0.5 * scale - 0.5 - area[1].start], [0, scale, 0.5 * scale - 0.5 - area[0].start], [0, 0, 1]])
        self._drifts[index, to] = np.linalg.inv(to_small) @ drift @ to_small
        sigmas = SPREAD if max(box.shape) < 4 * SPREAD[-1] else (*SPREAD, 4 * SPREAD[-1])
        flow = trend + np.where((weight > 0)[..., None], flow - trend, _spread(flow - trend, weight, sigmas))
        flow = np.asarray(cv2.GaussianBlur(flow, (0, 0), 1.0), np.float32)
        error = _spread(error, (~near & ~landed).astype(np.float32), sigmas)
        at = np.nonzero(hole)
        x = ((at[1] + 0.5) * scale - 0.5 - area[1].start).astype(np.float32)
        y = ((at[0] + 0.5) * scale - 0.5 - area[0].start).astype(np.float32)
        parts = [_look_up(image, x, y) for image in (flow[..., 0] / scale, flow[..., 1] / scale, error)]
        return np.stack(parts[:2], -1), parts[2]


def _room(mask: Mask, box: Box[int]) -> tuple[tuple[slice, slice], Mask]:
    """The part of a frame that a mask with this box and its surroundings lie in, and the mask there, a pixel wider."""
    room = box.grow(ROOM, mask.shape).slices
    return room, cv2.dilate(mask[room].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _continued(picture: NDArray[np.float32], hole: Mask) -> tuple[NDArray[np.float32], float]:
    """What surrounds the hole continued smoothly into it, (h, w, 3), and the error to be expected: the detail that this leaves out."""
    known = (~hole).astype(np.float32)
    scale = min(1.0, GRID / max(hole.shape))
    # A large hole is continued on a small picture: what reaches far into it is smooth anyway.
    size = (max(round(hole.shape[1] * scale), 1), max(round(hole.shape[0] * scale), 1))
    weight = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), np.float32)
    mean = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-6)[..., None]
    smooth = cv2.resize(_spread(mean.astype(np.float32), weight, (2, 5, 12, 30, 70)), hole.shape[::-1], interpolation=cv2.INTER_LINEAR)
    around = cv2.GaussianBlur(known, (0, 0), CONTRAST)[..., None]
    blurred = cv2.GaussianBlur(picture * known[..., None], (0, 0), CONTRAST) / np.maximum(around, 1e-3)
    detail = ((picture - blurred) ** 2).mean(-1)[~hole]
    return np.asarray(smooth, np.float32), max(float(np.sqrt(detail.mean())) if detail.size else 0.0, 4.0)


def _look_up(image: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = np.array_split(np.arange(len(x)), -(-len(x) // 16384))
    image = np.ascontiguousarray(image, np.float32)
    return np.concatenate([cv2.remap(image, x[p][None], y[p][None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0] for p in parts])


def _trend(
    flow: NDArray[np.float32], weight: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The affine motion that most of the flow (h, w, 2) follows, everywhere, and as a 3x3 matrix from a place (x, y, 1) to where it goes:
    weighted least squares, outliers losing weight."""
    pick = np.flatnonzero(weight.ravel() > 0)[::7]
    if len(pick) < 12:
        return np.zeros_like(flow), np.eye(3)
    base = np.stack([np.ones(rows.size), columns.ravel() / 100, rows.ravel() / 100], -1)
    known, motion, own = base[pick], flow.reshape(-1, 2)[pick].astype(np.float64), weight.ravel()[pick].astype(np.float64)
    solved: NDArray = np.zeros((3, 2))
    for _ in range(4):
        scaled = known * own[:, None]
        solved = np.linalg.lstsq(scaled.T @ known + 1e-6 * np.eye(3), scaled.T @ motion, rcond=None)[0]
        own = weight.ravel()[pick] / (1 + ((motion - known @ solved) ** 2).sum(1))
    matrix = np.eye(3)
    matrix[:2] += np.stack([solved[1] / 100, solved[2] / 100, solved[0]], -1)
    return (base @ solved).reshape(flow.shape).astype(np.float32), matrix


def _spread(values: NDArray[np.float32], weight: NDArray[np.float32], sigmas: tuple[int, ...] = SPREAD) -> NDArray[np.float32]:
    """`values` (h, w) or (h, w, k) as their neighbours with weight say, the near ones most (Shepard's method on blurred weights)."""
    wide = weight[..., None] if values.ndim == 3 else weight
    total = sum(cv2.GaussianBlur(weight, (0, 0), sigma) / sigma**2 for sigma in sigmas)
    carried = sum(cv2.GaussianBlur(values * wide, (0, 0), sigma) / sigma**2 for sigma in sigmas)
    total = np.maximum(total, 1e-9)
    return np.asarray(carried / (total[..., None] if values.ndim == 3 else total), np.float32)
