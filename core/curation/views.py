"""The frames of a clip that is being worked on, wherever its file is.

They are decoded by a thread of their own, ahead of whoever goes through the clip frame by frame, so
that a GPU does not wait for them.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.curation.records import ClipRecord, KnownEntity
from core.dataset.tars import TarMember
from core.media import ClipReader, open_clip, read_image
from core.project.video import VideoInfo

Frame = NDArray[np.uint8]

_AHEAD = 8
"""Frames that are decoded before they are asked for, once they are asked for in order."""


class ClipView:
    """A clip to look at: frames uint8 (H, W, 3), numbered from 0; an image has one."""

    def __init__(self, record: ClipRecord, reader: ClipReader | None, picture: Frame | None) -> None:
        self.record, self._reader, self._picture = record, reader, picture
        self.info: VideoInfo = reader.info if reader is not None else _picture_info(record)
        self._decoder = ThreadPoolExecutor(1, "decode")
        self._coming: dict[int, Future[Frame]] = {}
        self._last = -1

    def __len__(self) -> int:
        return self.record.frames

    @property
    def known(self) -> tuple[KnownEntity, ...]:
        """What the source knows of itself."""
        return self.record.known

    def frame(self, index: int) -> Frame:
        """One frame."""
        if self._picture is not None:
            return self._picture
        in_order = index == self._last + 1 and index > 0
        for number in range(index, min(len(self), index + _AHEAD) if in_order else index + 1):
            if number not in self._coming:
                self._coming[number] = self._decoder.submit(self._of(self._reader).frame, number)
        self._last = index
        # the first frame stays: every stage looks at it, some more than once
        for number in [number for number in self._coming if 0 < number < index]:
            self._coming.pop(number).cancel()
        return self._coming[index].result()

    def frames(self) -> Iterator[Frame]:
        """All frames in order."""
        return (self.frame(index) for index in range(len(self)))

    def close(self) -> None:
        """Decode nothing any more."""
        self._decoder.shutdown(cancel_futures=True)

    @staticmethod
    def _of(reader: ClipReader | None) -> ClipReader:
        assert reader is not None
        return reader


def _picture_info(record: ClipRecord) -> VideoInfo:
    return VideoInfo(record.width, record.height, Fraction(1), 1)


@contextlib.contextmanager
def on_disk(content: Path | TarMember, suffix: str) -> Iterator[Path]:
    """A path of a clip's file; that of a tar's member is there only for as long."""
    if isinstance(content, Path):
        yield content
        return
    with tempfile.TemporaryDirectory(prefix="vivid-clip-") as folder:
        path = Path(folder) / f"clip{suffix}"
        path.write_bytes(content.read())
        yield path


@contextlib.contextmanager
def open_view(record: ClipRecord, out: Path) -> Iterator[ClipView]:
    """Open a clip of the build in folder `out`. InputError when it can't be read."""
    with on_disk(record.media.content(out), record.suffix) as path:
        if record.kind == "image":
            with contextlib.closing(ClipView(record, None, read_image(path))) as view:
                yield view
        else:
            with open_clip(path) as reader, contextlib.closing(ClipView(record, reader, None)) as view:
                yield view
