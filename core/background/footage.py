"""The frames of a clip as the background model reads them: small ones for all frames, full ones
within a budget of memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WIDTH = 432
"""Motion and light are read from pictures of this many pixels on the longer side at most."""
RIM = 2
"""Small pixels around the region that may still show what is in it."""
MEMORY = 320 * 2**20
"""Bytes of full-size frames that are kept."""
_SMALL_KEPT = 420


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


class Footage:
    """Frames, small pictures and holes of a clip by index. Holds a bounded number of each."""

    def __init__(self, reader: Frames, region: Region) -> None:
        self._reader, self._region = reader, region
        self.range = region.frames
        height, width = region[region.frames[0]].shape
        scale = min(1.0, WIDTH / max(height, width))
        self.size = (width, height)
        self.small_size = (max(round(width * scale), 8), max(round(height * scale), 8))
        self._full: OrderedDict[int, Frame] = OrderedDict()
        self._small: OrderedDict[int, tuple[Frame, NDArray[np.uint8], Mask]] = OrderedDict()
        self._most = max(MEMORY // (3 * width * height), 6)

    @property
    def scale(self) -> tuple[float, float]:
        """How wide and how high a full-size pixel is in the small picture."""
        return self.small_size[0] / self.size[0], self.small_size[1] / self.size[1]

    def read(self, start: int, stop: int) -> None:
        """Read the frames start:stop in one go, so that none of them is decoded twice."""
        missing = [index for index in range(start, stop) if index not in self._small]
        if missing:
            first, last = missing[0], missing[-1] + 1
            for index, frame in zip(range(first, last), self._reader.frames(first, last), strict=True):
                self._take(index, frame)

    def frame(self, index: int) -> Frame:
        """uint8 (H, W, 3)."""
        if index not in self._full:
            self._take(index, self._reader.frame(index))
        self._full.move_to_end(index)
        return self._full[index]

    def small(self, index: int) -> Frame:
        """uint8 (h, w, 3)."""
        return self._known(index)[0]

    def gray(self, index: int) -> NDArray[np.uint8]:
        """uint8 (h, w)."""
        return self._known(index)[1]

    def small_hole(self, index: int) -> Mask:
        """bool (h, w): what can't be used of a frame."""
        return self._known(index)[2]

    def hole(self, index: int) -> Mask:
        """bool (H, W): the region of a frame."""
        return self._region[index]

    def shrunk(self, frame: Frame) -> Frame:
        """A full-size picture at the small size."""
        return np.asarray(cv2.resize(frame, self.small_size, interpolation=cv2.INTER_AREA), np.uint8)

    def _known(self, index: int) -> tuple[Frame, NDArray[np.uint8], Mask]:
        if index not in self._small:
            self._take(index, self._full[index] if index in self._full else self._reader.frame(index))
        self._small.move_to_end(index)
        return self._small[index]

    def _take(self, index: int, frame: Frame) -> None:
        self._full[index] = frame
        while len(self._full) > self._most:
            self._full.popitem(last=False)
        if index in self._small:
            return
        small = self.shrunk(frame)
        hole = cv2.resize(self._region[index].astype(np.uint8) * 255, self.small_size, interpolation=cv2.INTER_AREA) > 0
        hole = cv2.dilate(hole.astype(np.uint8), np.ones((2 * RIM + 1,) * 2, np.uint8)) > 0
        self._small[index] = (small, np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8), hole)
        while len(self._small) > _SMALL_KEPT:
            self._small.popitem(last=False)
