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
from core.dataset.tars import TarMember
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
            yield ClipView(record, None, read_image(path))
        else:
            with open_clip(path) as reader:
                yield ClipView(record, reader, None)
