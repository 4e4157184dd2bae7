"""The frames of a clip that is being worked on, wherever its file is."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.curation.records import ClipRecord, KnownEntity
from core.media import ClipReader, open_clip, read_image
from core.project.video import VideoInfo

Frame = NDArray[np.uint8]


class ClipView:
    """A clip to look at: frames uint8 (H, W, 3), numbered from 0; an image has one."""

    def __init__(self, record: ClipRecord, reader: ClipReader | None, picture: Frame | None) -> None:
        self.record, self._reader, self._picture = record, reader, picture
        self.info: VideoInfo = reader.info if reader is not None else _picture_info(record)

    def __len__(self) -> int:
        return self.record.frames

    @property
    def known(self) -> tuple[KnownEntity, ...]:
        """What the source knows of itself."""
        return self.record.known

    def frame(self, index: int) -> Frame:
        """One frame."""
        return self._picture if self._picture is not None else self._of(self._reader).frame(index)

    def frames(self) -> Iterator[Frame]:
        """All frames in order."""
        if self._picture is not None:
            yield self._picture
        else:
            yield from self._of(self._reader).frames()

    @staticmethod
    def _of(reader: ClipReader | None) -> ClipReader:
        assert reader is not None
        return reader


def _picture_info(record: ClipRecord) -> VideoInfo:
    return VideoInfo(record.width, record.height, Fraction(1), 1)


@contextlib.contextmanager
def open_view(record: ClipRecord, out: Path) -> Iterator[ClipView]:
    """Open a clip of the build in folder `out`. InputError when it can't be read."""
    content = record.media.content(out)
    with contextlib.ExitStack() as stack:
        if isinstance(content, Path):
            path = content
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vivid-clip-")))
            path = folder / f"clip{record.suffix}"
            assert not isinstance(content, bytes)
            path.write_bytes(content.read())
        if record.kind == "image":
            yield ClipView(record, None, read_image(path))
        else:
            yield ClipView(record, stack.enter_context(open_clip(path)), None)
