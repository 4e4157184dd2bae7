"""The background behind a region: real pixels, found in other frames of the clip that show it.

Around the region the picture's own motion is known (optical flow between neighbours); it is
continued into the region, and every hidden pixel is tracked along it, into the past and into the
future, until it comes out. Positions are tracked, not colours, so that nothing blurs on the way.
The longer the way and the worse the neighbours fit, the less a pixel is worth; what else is known
(a smooth continuation of what lies around the hole, a model's answer) is averaged in with weights
of one over the squared error to be expected. What lacks detail then gets texture like that around
the hole, which moves with the background, and grain.
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
from core.render.extrapolation import affine_trend, continue_smoothly, look_up, SPREAD, spread
from core.render.flow import DenseFlow
from core.render.grain import add_grain, grain_around
from core.render.texture import Texture

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]

REACH = 32
"""Frames over which a pixel is tracked each way."""
TRACKED = 480
"""Motion is read from pictures of this width at most."""
MARGIN = 28
"""Pixels, at that width, around the region's box whose motion is continued into it."""
ROOM = 40
"""Pixels around the region, full size, that its surroundings are."""
RIM = 3
"""Pixels around the region, full size, that may still show what is in it."""
STEP = 0.15
"""What a frame of distance costs, in 8-bit levels of misfit."""
LAST = 12.0
"""What another frame may cost more than a finished one, whose hole was filled by guess."""
ERROR = 2.2
"""8-bit levels of error (root of the mean square) for each of cost: measured on real clips with
pasted holes.
"""
MISFIT = 30.0
"""Tracking stops where the frames around the hole differ by more 8-bit levels: there is no telling
what moved how.
"""


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
class SourceTrack:
    """Where the hidden pixels of a frame come out: `rows`, `columns` (N) of the pixels; frame (-1:
    nowhere), x, y and cost of each, and whether it is in a hole that was filled.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    frame: NDArray[np.int64]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    cost: NDArray[np.float32]
    guessed: Mask


class BackgroundModel:
    """Finds the background behind `region` in the frames that the region covers. Holds the
    full-size frames within REACH of those that are prepared.
    """

    def __init__(self, reader: Frames, region: Region) -> None:
        self._reader, self._region = reader, region
        self._frames: dict[int, Frame] = {}
        self._grays: dict[int, NDArray[np.uint8]] = {}
        self._holes: dict[int, Mask] = {}
        self._steps: dict[tuple[int, int], tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        self._tracks: dict[int, list[SourceTrack]] = {}
        self._drifts: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._positions: dict[int, NDArray[np.float64]] = {}
        self._texture: tuple[Texture, int, int] | None = None
        self._finished: tuple[int, Frame] | None = None
        self._flow = DenseFlow()

    def prepare(self, frames: Iterable[int], finished: tuple[int, Frame] | None = None) -> None:
        """Track the hidden pixels of these neighbouring frames to frames that show them.

        Args:
            frames: Numbers of neighbouring frames.
            finished: A frame whose own hole is filled, and its number: it shows what no other frame
                does.
        """
        wanted = sorted(frames)
        known = self._region.frames
        reach = int(np.clip(MEMORY // (3 * self._region[wanted[0]].size) // 2, 4, REACH))
        first, stop = max(wanted[0] - reach, known.start), min(wanted[-1] + reach + 1, known.stop)
        for store in (self._frames, self._grays, self._holes):
            for index in [index for index in store if not first <= index < stop]:
                del store[index]
        for pair in [pair for pair in self._steps if not (first <= pair[0] < stop and first <= pair[1] < stop)]:
            del self._steps[pair]
        unread = [index for index in range(first, stop) if index not in self._frames]
        if unread:
            for index, frame in zip(range(unread[0], unread[-1] + 1), self._reader.frames(unread[0], unread[-1] + 1), strict=True):
                self._take(index, frame)
        self._finished = finished
        self._tracks = {index: [] for index in wanted}
        for side, order in ((-1, range(first, wanted[-1] + 1)), (1, range(stop - 1, wanted[0] - 1, -1))):
            before: SourceTrack | None = None
            for index in order:
                before = self._track(index, index + side, before)
                if index in self._tracks and before is not None:
                    self._tracks[index].append(before)
        self._locate(wanted)
        if self._texture is None:
            # Here, not when a hole is filled: which of them are may depend on what was made in an
            # earlier run.
            self._texture = next((self._texture_of(index) for index in wanted if self._region[index].any()), None)

    def inpaint(self, index: int, source: Frame, answer: Frame | None = None) -> Frame:
        """Put the background into the region of a frame. Outside the region the frame stays what it
        is.

        `answer` (H, W, 3) is what a model says.

        Args:
            index: Number of the frame, one that was prepared.
            source: The frame, (H, W, 3).
            answer: (H, W, 3), what a model says; None without one.

        Returns:
            A new frame, or `source` itself where its region is empty.
        """
        mask = self._region[index]
        box = bounding_box(mask)
        if box is None:
            return source
        room, hole = _surroundings(mask, box)
        around = source[room].astype(np.float32)
        smooth, missed = continue_smoothly(around, hole)
        total, weights = smooth / missed**2, np.full(hole.shape, 1 / missed**2, np.float32)
        if answer is not None:
            total, weights = total + answer[room].astype(np.float32) / missed**2, weights * 2
        for track in self._tracks[index]:
            which = np.isfinite(track.cost) & mask[track.rows, track.columns]
            at = track.rows[which] - room[0].start, track.columns[which] - room[1].start
            weight = 1 / (ERROR * track.cost[which] + 1 + missed / 2 * track.guessed[which]) ** 2
            total[at] += self._colours(track, which) * weight[:, None]
            weights[at] += weight
        result = source.copy()
        filled = self._textured(index, total / weights[..., None], around, hole, room)
        pixels = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
        neighbour = self._frames.get(index - 1, self._frames.get(index + 1))
        level = grain_around(source[room], hole, None if neighbour is None else neighbour[room])
        pixels = add_grain(pixels, hole.astype(np.float32), level, (index, _GRAIN))
        np.copyto(result[room], pixels, where=mask[room][..., None])
        return result

    def _locate(self, wanted: list[int]) -> None:
        """Say where the background of these neighbouring frames lies, beside that of the frame that
        was prepared first.
        """
        known = [index for index in wanted if index in self._positions]
        if not known:  # the first of all, or behind a gap
            self._positions[wanted[0]] = self._positions[max(self._positions)] if self._positions else np.eye(3)
            known = [wanted[0]]
        for side, order in ((-1, range(known[0] + 1, wanted[-1] + 1)), (1, range(known[0] - 1, wanted[0] - 1, -1))):
            for index in order:
                if index not in self._positions:
                    self._positions[index] = self._positions[index + side] @ self._drifts.get((index, index + side), np.eye(3))

    def _texture_of(self, index: int) -> tuple[Texture, int, int] | None:
        """What surrounds the hole of a frame looks like; and where, x and y, its picture begins."""
        mask = self._region[index]
        box = bounding_box(mask)
        if box is None:
            return None
        room, hole = _surroundings(mask, box)
        picture = self._frames[index][room].astype(np.float32)
        return Texture(picture, hole, mask.shape[1], index), room[1].start, room[0].start

    def _textured(
        self, index: int, fill: NDArray[np.float32], around: NDArray[np.float32], hole: Mask, room: tuple[slice, slice]
    ) -> NDArray[np.float32]:
        """`fill` (h, w, 3) of `hole` with the texture that lies on the background."""
        if self._texture is None:
            return fill
        texture, left, top = self._texture
        rows, columns = np.mgrid[room]
        matrix = self._positions[index]
        x = matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2] - left
        y = matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2] - top
        return texture.over(np.asarray(fill, np.float32), around, hole, x, y)

    def _take(self, index: int, frame: Frame) -> None:
        scale = min(1.0, TRACKED / frame.shape[1])
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._grays[index] = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        self._frames[index] = frame
        self._holes[index] = cv2.dilate(self._region[index].astype(np.uint8), np.ones((2 * RIM + 1,) * 2, np.uint8)) > 0

    def _colours(self, track: SourceTrack, which: Mask) -> NDArray[np.float32]:
        """(n, 3): the pixels of a track where they come out."""
        frames, x, y = track.frame[which], track.x[which], track.y[which]
        result = np.zeros((len(x), 3), np.float32)
        for frame in np.unique(frames):
            own = frames == frame
            picture = self._finished[1] if self._finished is not None and frame == self._finished[0] else self._frames[int(frame)]
            # Rows of the map are cut short, as remap takes 32767 pixels a side at most.
            for part in np.array_split(np.flatnonzero(own), -(-int(own.sum()) // 16384)):
                result[part] = cv2.remap(picture, x[part][None], y[part][None], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)[0]
        return result

    def _track(self, index: int, to: int, before: SourceTrack | None) -> SourceTrack | None:
        """Track the hidden pixels of frame `index` over its neighbour `to`, whose own track is
        `before`; None where nothing is hidden.
        """
        hole = self._holes[index]
        rows, columns = np.nonzero(hole)
        if len(rows) == 0:
            return None
        count = len(rows)
        nowhere, zeros = np.full(count, np.inf, np.float32), np.zeros((2, count), np.float32)
        track = SourceTrack(rows, columns, np.full(count, -1), zeros[0], zeros[1], nowhere, np.zeros(count, bool))
        if to not in self._frames:
            return track
        flow, misfit = self._step(index, to)
        x, y = columns + flow[:, 0], rows + flow[:, 1]
        height, width = hole.shape
        near_x, near_y = np.rint(x).astype(int), np.rint(y).astype(int)
        inside = (near_x >= 0) & (near_x < width) & (near_y >= 0) & (near_y < height) & (misfit < MISFIT)
        near_x, near_y = np.clip(near_x, 0, width - 1), np.clip(near_y, 0, height - 1)
        done = self._finished is not None and self._finished[0] == to
        hidden = self._holes[to][near_y, near_x]
        out = inside & (~hidden | done)
        track.frame[out], track.x[out], track.y[out] = to, x[out], y[out]
        track.cost[out], track.guessed[out] = STEP + misfit[out], hidden[out]
        if before is not None:
            number = np.full(hole.shape, -1)
            number[before.rows, before.columns] = np.arange(len(before.rows))
            on = inside & hidden
            last = number[near_y, near_x]
            on &= (last >= 0) & np.isfinite(before.cost[last])
            cost = before.cost[last] + STEP + 0.3 * misfit
            # A finished frame ends the track only where nothing goes on behind it.
            on &= cost < track.cost + LAST * (track.guessed & ~before.guessed[last])
            which = last[on]
            track.frame[on] = before.frame[which]
            track.x[on] = before.x[which] + (x - near_x)[on]
            track.y[on] = before.y[which] + (y - near_y)[on]
            track.cost[on], track.guessed[on] = cost[on], before.guessed[which]
        return track

    def _step(self, index: int, to: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For each hidden pixel of frame `index`: its motion (N, 2) to a neighbouring frame, full
        size, and the misfit around it.
        """
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
        trend, drift = affine_trend(flow, weight, rows, columns)
        to_small = np.array([[scale, 0, 0.5 * scale - 0.5 - area[1].start], [0, scale, 0.5 * scale - 0.5 - area[0].start], [0, 0, 1]])
        self._drifts[index, to] = np.linalg.inv(to_small) @ drift @ to_small
        sigmas = SPREAD if max(box.shape) < 4 * SPREAD[-1] else (*SPREAD, 4 * SPREAD[-1])
        flow = trend + np.where((weight > 0)[..., None], flow - trend, spread(flow - trend, weight, sigmas))
        flow = np.asarray(cv2.GaussianBlur(flow, (0, 0), 1.0), np.float32)
        error = spread(error, (~near & ~landed).astype(np.float32), sigmas)
        at = np.nonzero(hole)
        x = ((at[1] + 0.5) * scale - 0.5 - area[1].start).astype(np.float32)
        y = ((at[0] + 0.5) * scale - 0.5 - area[0].start).astype(np.float32)
        parts = [look_up(image, x, y) for image in (flow[..., 0] / scale, flow[..., 1] / scale, error)]
        return np.stack(parts[:2], -1), parts[2]


def _surroundings(mask: Mask, box: Box[int]) -> tuple[tuple[slice, slice], Mask]:
    """The part of a frame that a mask with this box and its surroundings lie in, and the mask
    there, a pixel wider.
    """
    room = box.grow(ROOM, mask.shape).slices
    return room, cv2.dilate(mask[room].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
