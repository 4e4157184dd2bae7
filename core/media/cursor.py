"""A decoder that stands at a frame of a file and goes forward from there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

import av

from core.errors import InputError
from core.media.fields import deinterlaced, NumberedFrame
from core.media.index import FrameIndex
from core.media.source import decoded_frames, open_container, video_stream

NumberedFrames = Iterator[NumberedFrame]


class Cursor:
    """Iterating gives (index, decoded frame), the index rising by one, from somewhere at or before
    `target` to the end of the clip.

    Every index up to the clip's last comes: where damage inside the file swallowed a frame, the one
    before it stands in, as in a player. With `deinterlace` all frames are whole ones;
    with `alpha` they have their transparency.
    """

    def __init__(self, path: Path, index: FrameIndex, target: int, deinterlace: bool = False, alpha: bool = False) -> None:
        self._path = path
        self._index = index
        self._deinterlace, self._alpha = deinterlace, alpha
        self._open()
        self.move(target)

    def __iter__(self) -> NumberedFrames:
        return self

    def __next__(self) -> tuple[int, av.VideoFrame]:
        position, frame = next(self._frames)
        self._next = position + 1
        return position, frame

    def leads_to(self, target: int) -> bool:
        """True when decoding on from here is the shortest way to `target`."""
        landings = self._index.landings
        nearest = bisect_right(landings, target, key=lambda landing: landing[0]) - 1
        return self._next <= target and (nearest < 0 or landings[nearest][0] <= self._next)

    def move(self, target: int) -> None:
        """Stand at or before `target`, as near as a keyframe allows."""
        if self._deinterlace:  # with the frame before it
            self._frames = deinterlaced(self._filled(self._numbered_from(max(0, target - 1))))
        else:
            self._frames = self._filled(self._numbered_from(target))
        self._next = 0

    def close(self) -> None:
        """Close the file, and let go of the decoder. The iterator refers to this object: without
        that, threads and frames of the decoder would stay until the next garbage collection.
        """
        self._frames = iter(())
        self._container.close()

    def _open(self) -> None:
        self._container = open_container(self._path)
        self._stream = video_stream(self._container, self._path)
        self._fresh = True

    def _numbered_from(self, target: int) -> NumberedFrames:
        before = [landing for landing in self._index.landings if landing[0] <= target]
        for position, pts, seek in reversed(before[-2:]):
            # Each container seeks in its own way, some by the time of decoding, some roughly: see
            # where it landed, else go further back.
            self._fresh = False
            try:
                self._container.seek(seek, stream=self._stream)
            except av.FFmpegError:
                continue
            frames = self._numbered(position, pts)
            first = next(frames, None)
            if first is not None and first[0] <= target:
                yield first
                yield from frames
                return
        if not self._fresh:
            self._container.close()
            self._open()
        self._fresh = False
        frames = self._numbered()
        first = next(frames, None)
        if first is not None:
            yield 0, first[1]
            yield first
            yield from frames

    def _numbered(self, position: int = 0, not_before: int | None = None) -> NumberedFrames:
        """Decoded frames with their indices. What a seek shows before the landing at `position`
        (stamped `not_before`) leans on frames that were not decoded.
        """
        frames = decoded_frames(self._container, self._stream, self._alpha)
        if self._index.pts is None:
            if not_before is not None:
                frames = dropwhile(lambda frame: _stamp(frame) != not_before, frames)
            yield from enumerate(frames, position)
            return
        for frame in frames:
            pts = _stamp(frame)
            if pts is None or (not_before is not None and pts < not_before):
                continue
            found = self._index.position(pts)
            if found >= 0 and self._index.pts[found] == pts:
                yield found, frame

    def _filled(self, frames: NumberedFrames) -> NumberedFrames:
        due: int | None = None
        shown: av.VideoFrame | None = None
        for position, frame in frames:
            if due is None:
                due = position
            while due < position and shown is not None:
                yield due, shown
                due += 1
            if position == due:
                yield position, frame
                due, shown = position + 1, frame
        if shown is None:
            raise InputError(
                f"{self._path} can't be decoded any more: it has changed or been damaged, put the old one back or open it again"
            )
        while due is not None and due < self._index.info.frames:
            yield due, shown
            due += 1


def _stamp(frame: av.VideoFrame) -> int | None:
    return frame.pts if frame.pts is not None else frame.dts
