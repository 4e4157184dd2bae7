"""How an insert moves with the place that it lies on, a wall or the ground: as the plane around it
does, or where that shows too little, as the scene does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.camera import CUT, fitted
from core.geometry import FrameRange
from core.inserts.picture import moved_corners

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Matrix = NDArray[np.float64]
CornerPath = dict[int, NDArray[np.float64]]

FRAME_SIDE = 1280
"""Pixels that the longer side of a frame has at most where motion is read."""
GROWTH = (1.5, 2.5, 4.5, None)
"""How many times the insert's size the part is in which motion is read; None for the whole frame.
The first that shows enough is taken.
"""
AROUND = 9
"""Pixels around objects that may still show them."""
FARTHEST = 8.0
"""Pixels by which the keyframe itself may correct a corner at once."""
RUN = 16
"""Frames that are read at once."""


class Frames(Protocol):
    """Frames on demand."""

    def frames(self, start: int, stop: int) -> Iterable[Frame]: ...


class Things(Protocol):
    """Masks on demand."""

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> Mask: ...

    def is_empty(self, frame: int) -> bool: ...


class PlaceMotion:
    """Follows the plane around an insert from frame to frame, held to the keyframe so that errors
    don't add up.
    """

    def __init__(self, reader: Frames, corners: NDArray[np.float64], keyframe: int, things: Things | None) -> None:
        """Look at the keyframe.

        Args:
            reader: The clip.
            corners: (4, 2), where they are on the keyframe, in source pixels.
            keyframe: The keyframe.
            things: Objects, which move otherwise than the place; None where there are none.
        """
        self._reader, self._corners, self._keyframe, self._things = reader, corners, keyframe, things
        (first,) = reader.frames(keyframe, keyframe + 1)
        height, width = first.shape[:2]
        scale = min(1.0, FRAME_SIDE / max(height, width))
        self._size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._scale = np.array(self._size) / (width, height)
        self._key = self._small(first)
        self._hidden = self._objects(keyframe)

    def path(self, frames: FrameRange, report: Callable[[int], None]) -> CornerPath:
        """The corners on the frames of the keyframe's shot.

        Args:
            frames: The frames to find them on.
            report: Called with the number of frames that are done.

        Returns:
            The corners by frame, in source pixels.
        """
        path: CornerPath = {self._keyframe: self._corners}
        for step in (1, -1):
            motion, before, hidden = np.eye(3), self._key, self._hidden
            for index, now in self._from_keyframe(frames, step):
                report(len(path) - 1)
                here = self._objects(index)
                moved = self._step(before, now, hidden, here, motion)
                if moved is None:
                    break
                motion = self._held(moved @ motion, now, here)
                path[index] = moved_corners(self._corners * self._scale, motion) / self._scale
                before, hidden = now, here
        return path

    def _from_keyframe(self, frames: FrameRange, step: int) -> Iterable[tuple[int, Frame]]:
        """The frames on one side of the keyframe, the nearest first, small and gray."""
        if step > 0:
            start = max(self._keyframe + 1, frames.start)
            for index, frame in zip(range(start, frames.stop), self._reader.frames(start, frames.stop), strict=False):
                yield index, self._small(frame)
            return
        stop = min(self._keyframe, frames.stop)
        while stop > frames.start:
            start = max(frames.start, stop - RUN)
            small = [self._small(frame) for frame in self._reader.frames(start, stop)]
            yield from zip(range(stop - 1, start - 1, -1), reversed(small), strict=True)
            stop = start

    def _small(self, frame: Frame) -> Frame:
        small = cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)

    def _objects(self, index: int) -> Mask:
        if self._things is None or index not in self._things.frames or self._things.is_empty(index):
            return np.zeros(self._size[::-1], np.bool_)
        small = cv2.resize(self._things[index].astype(np.uint8), self._size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.dilate(small, np.ones((AROUND, AROUND), np.uint8)) > 0)

    def _around(self, motion: Matrix, growth: float | None) -> Mask:
        """What is not around the insert on a frame, bool (h, w)."""
        if growth is None:
            return np.zeros(self._size[::-1], np.bool_)
        corners = moved_corners(self._corners * self._scale, motion)
        middle = corners.mean(0)
        outside = np.ones(self._size[::-1], np.uint8)
        cv2.fillConvexPoly(outside, np.rint(middle + growth * (corners - middle)).clip(-(10**6), 10**6).astype(np.int32), 0)
        return np.asarray(outside > 0)

    def _step(self, before: Frame, now: Frame, hidden: Mask, hidden_now: Mask, motion: Matrix) -> Matrix | None:
        """The motion from a frame to its neighbour, 3x3; None where a shot ends."""
        for growth in GROWTH:
            around = self._around(motion, growth)
            found = None if around.all() else fitted(before, now, hidden | around, hidden_now)
            if found is not None:
                return found
        return None if np.abs(before.astype(np.int16) - now).mean() > CUT else np.eye(3)

    def _held(self, motion: Matrix, now: Frame, hidden: Mask) -> Matrix:
        """A motion from the keyframe, corrected by the keyframe itself."""
        inverse = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = cv2.warpPerspective(now, motion, self._size, flags=inverse, borderMode=cv2.BORDER_REPLICATE)
        gone = cv2.warpPerspective(
            hidden.astype(np.uint8), motion, self._size, flags=inverse, borderMode=cv2.BORDER_CONSTANT, borderValue=1
        )
        small = self._corners * self._scale
        for growth in GROWTH[:-1]:
            around = self._around(np.eye(3), growth)
            found = None if around.all() else fitted(self._key, np.asarray(back, np.uint8), self._hidden | around, gone > 0)
            if found is not None:
                far = np.linalg.norm(moved_corners(small, found) - small, axis=-1).max()
                return np.asarray(motion @ found, np.float64) if far < FARTHEST else motion
        return motion
