"""Frames of a clip by index: forwards fast, at random by way of keyframes, in bounded memory."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.geometry import FrameRange
from core.media.color import alpha_of, PreviewConverter, RgbConverter, RgbFrame, shrunk
from core.media.cursor import Cursor
from core.media.folder import probe_folder
from core.media.images import read_image, read_image_with_alpha
from core.media.index import frame_index, FrameIndex
from core.progress import JobContext
from core.project.video import VideoInfo
from core.words import counted

_CACHE_BYTES = 128 * 2**20
"""Decoded frames kept for going back: 200 frames of 854x480, 40 of 1080p, 10 of 4K."""

_PREVIEW_BYTES = 160 * 2**20
"""Small ones kept beside them: 200 of a wide screen's shape."""


PREVIEW_WIDTH = 960
"""Pixels; previews up to this wide come out of a memory of their own, in which a long group of
pictures has room.
"""


Alpha = NDArray[np.uint8]


class ClipReader(ABC):
    """A clip whose frames are read on demand. Close it, or use it as a context manager. All methods
    may be called from any thread.
    """

    info: VideoInfo
    timestamps: tuple[Fraction, ...]
    files: tuple[Path, ...]
    """What it is read from: one file, or the images of a folder."""
    deinterlaced = False
    """Whether whole frames are made of fields."""

    def __len__(self) -> int:
        return self.info.frames

    @abstractmethod
    def frame(self, index: int) -> RgbFrame:
        """One frame as uint8 (H, W, 3) RGB, upright, the caller's own. InputError for an index that
        is not in 0..len-1.
        """

    @abstractmethod
    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RgbFrame]:
        """Frames start:stop in order, each as `frame` gives it; decoding runs ahead. InputError for
        a span outside the clip.
        """

    def preview(self, index: int, width: int) -> RgbFrame:
        """One frame for the eye only, about `width` pixels wide: quicker than `frame`, and not
        exact to a level. The caller's own.
        """
        return shrunk(self.frame(index), width)

    def prefetch(self, index: int, width: int | None, context: JobContext) -> None:
        """Decode up to a frame, so that it comes at once when it is asked for.

        Args:
            index: The frame.
            width: The width of the preview that will be asked for, or None for the frame itself.
            context: Can cancel.

        Raises:
            InputError: There is no such frame.
            Cancelled: The context said so.
        """
        context.check()

    def previews(self, start: int, stop: int, width: int) -> Iterator[RgbFrame]:
        """Stream frames for the eye only.

        Args:
            start: The first frame.
            stop: The frame after the last one.
            width: About how wide they are to be, in pixels.

        Yields:
            The frames in order, each as `preview` gives it.
        """
        return (shrunk(frame, width) for frame in self.frames(start, stop))

    def changes(self, index: int) -> bool:
        """Whether an edit has changed anything on this frame."""
        return False

    @property
    def entry_points(self) -> tuple[int, ...]:
        """The frames that come at once, in order: reading one of them decodes no other."""
        return tuple(range(len(self)))

    def alphas(self, start: int = 0, stop: int | None = None) -> Iterator[Alpha]:
        """How opaque the pixels of frames start:stop are, uint8 (H, W) each, in order. InputError
        for a span outside the clip.
        """
        opaque = np.full((self.info.height, self.info.width), 255, np.uint8)
        return (opaque for _ in range(*self._check_span(start, stop)))

    def close(self) -> None:
        """Let go of the file. Reading afterwards opens it again."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_index(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise InputError(f"there is no frame {index} in a video of {counted(len(self), 'frame')}: choose one from 0 to {len(self) - 1}")
        return index

    def _check_span(self, start: int, stop: int | None) -> tuple[int, int]:
        stop = len(self) if stop is None else stop
        FrameRange(start, stop).check(len(self))
        return start, stop


class FolderReader(ClipReader):
    """A folder of numbered images."""

    def __init__(self, path: Path) -> None:
        self.info, self._images = probe_folder(path)
        self.files = tuple(self._images)
        self.timestamps = tuple(index / self.info.rate for index in range(self.info.frames))

    def frame(self, index: int) -> RgbFrame:
        path = self._images[self._check_index(index)]
        picture = read_image(path)
        if picture.shape[:2] != (self.info.height, self.info.width):
            raise InputError(f"{path} has changed its size since the clip was opened: open it again")
        return picture

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RgbFrame]:
        return map(self.frame, range(*self._check_span(start, stop)))

    def alphas(self, start: int = 0, stop: int | None = None) -> Iterator[Alpha]:
        return (read_image_with_alpha(self._images[index])[1] for index in range(*self._check_span(start, stop)))


class VideoReader(ClipReader):
    """A video file. `frame` keeps one decoder and what it decoded lately; every `frames` has a
    decoder of its own.
    """

    def __init__(self, path: Path, deinterlace: bool = False, context: JobContext | None = None) -> None:
        self._path = path
        self.files = (path,)
        self._index = frame_index(path, context)
        self.deinterlaced = deinterlace and self._index.info.field_order is not None
        self.info = replace(self._index.info, field_order=None) if self.deinterlaced else self._index.info
        self.timestamps = self._index.timestamps
        self._lock = threading.Lock()
        self._cursor: Cursor | None = None
        self._cache = _FrameCache(_CACHE_BYTES)
        self._previews = _FrameCache(_PREVIEW_BYTES)
        self._convert = _converter(self._index)
        self._show = PreviewConverter(self._index.size, self.info.rotation, self._index.mirrored)
        self._leaps = _Leaps(path, self._index, self.deinterlaced)

    def frame(self, index: int) -> RgbFrame:
        self._check_index(index)
        with self._lock:
            if index not in self._cache:
                self._decode_to(index)
            return self._convert(self._cache[index])

    def preview(self, index: int, width: int) -> RgbFrame:
        self._check_index(index)
        if self._lock.locked() and self._leaps.reach(index):  # whoever has the decoder may need it for seconds
            return self._leaps.preview(index, width)
        with self._lock:
            if index not in self._cache and (width > PREVIEW_WIDTH or index not in self._previews):
                self._decode_to(index, previews=width <= PREVIEW_WIDTH)
            return self._show(self._cache[index] if index in self._cache else self._previews[index], width)

    def prefetch(self, index: int, width: int | None, context: JobContext) -> None:
        """Decode a frame ahead of the one who asks for it.

        Args:
            index: the frame.
            width: of the preview that will be asked for, in pixels; None for the whole frame.
            context: can give the work up.
        """
        self._check_index(index)
        small = width is not None and width <= PREVIEW_WIDTH
        if width is not None and self._lock.locked() and self._leaps.reach(index):
            return
        with self._lock:
            context.check()  # who has waited for the decoder may have gone
            if index not in self._cache and not (small and index in self._previews):
                self._decode_to(index, previews=small, context=context)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RgbFrame]:
        return self._frames(*self._check_span(start, stop), _converter(self._index))

    def alphas(self, start: int = 0, stop: int | None = None) -> Iterator[Alpha]:
        if not self.info.alpha:
            return super().alphas(start, stop)
        convert = partial(alpha_of, size=self._index.size, rotation=self.info.rotation, mirrored=self._index.mirrored)
        return self._frames(*self._check_span(start, stop), convert, alpha=True)

    def previews(self, start: int, stop: int, width: int) -> Iterator[RgbFrame]:
        """Small frames for the eye.

        Args:
            start: the first frame.
            stop: the frame after the last.
            width: pixels of a frame's width at most.

        Returns:
            uint8 (h, w, 3), one after the other.
        """
        show = PreviewConverter(self._index.size, self.info.rotation, self._index.mirrored)
        return self._frames(*self._check_span(start, stop), partial(show, width=width))

    def _frames(
        self, start: int, stop: int, convert: Callable[[av.VideoFrame], NDArray[np.uint8]], alpha: bool = False
    ) -> Iterator[NDArray[np.uint8]]:
        cursor = Cursor(self._path, self._index, start, self.deinterlaced, alpha)
        try:
            for index, frame in cursor:
                if index >= start:
                    yield convert(frame)
                if index == stop - 1:
                    return
        finally:
            cursor.close()

    @property
    def entry_points(self) -> tuple[int, ...]:
        return self._leaps.entry_points

    def close(self) -> None:
        with self._lock:
            self._cache.clear()
            self._previews.clear()
            if self._cursor is not None:
                self._cursor.close()
                self._cursor = None
        self._leaps.close()

    def _decode_to(self, index: int, previews: bool = False, context: JobContext | None = None) -> None:
        """Bring frame `index` into the cache, and those just before it, which a person stepping
        backwards asks for next.

        With `previews`, all that are decoded on the way are kept small: whoever drags backwards
        through a long group of pictures, which can only be decoded forwards, waits for it once.
        """
        if self._cursor is None:
            self._cursor = Cursor(self._path, self._index, index, self.deinterlaced)
        elif not self._cursor.leads_to(index):
            self._cursor.move(index)
        for position, frame in self._cursor:
            self._cache[position] = frame
            if previews:
                self._previews[position] = self._show.smaller(frame, PREVIEW_WIDTH)
            if position == index:
                return
            if context is not None:
                context.check()


class _Leaps:
    """A second decoder for the frames that come at once, for while the first is on its way through
    a long group of pictures.
    """

    def __init__(self, path: Path, index: FrameIndex, deinterlace: bool) -> None:
        self._path, self._index, self._deinterlace = path, index, deinterlace
        last = index.info.frames - 1
        # A deinterlaced frame is made with the one before it.
        self.entry_points = tuple(sorted({min(at + 1, last) if deinterlace and at else at for at in index.entry_points}))
        self._lock = threading.Lock()
        self._cursor: Cursor | None = None
        self._show = PreviewConverter(index.size, index.info.rotation, index.mirrored)

    def reach(self, index: int) -> bool:
        """Whether a frame comes at once."""
        at = bisect_left(self.entry_points, index)
        return at < len(self.entry_points) and self.entry_points[at] == index

    def preview(self, index: int, width: int) -> RgbFrame:
        """An entry point as `ClipReader.preview` gives it."""
        with self._lock:
            if self._cursor is None:
                self._cursor = Cursor(self._path, self._index, index, self._deinterlace)
            else:
                self._cursor.move(index)
            return self._show(next(frame for position, frame in self._cursor if position == index), width)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._cursor is not None:
                self._cursor.close()
                self._cursor = None


def _converter(index: FrameIndex) -> RgbConverter:
    return RgbConverter(index.size, index.info.rotation, index.mirrored, index.unsaid_siting)


class _FrameCache(OrderedDict[int, av.VideoFrame]):
    """The frames decoded last, as the decoder gave them (half the size of RGB), up to a number of
    bytes but at least two.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def __setitem__(self, index: int, frame: av.VideoFrame) -> None:
        super().__setitem__(index, frame)
        self.move_to_end(index)
        size = sum(plane.buffer_size for plane in frame.planes)
        while len(self) > max(2, self._limit // size):
            self.popitem(last=False)
