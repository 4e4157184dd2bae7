"""When the frames of a file are shown, as decoding tells: all of them where packets don't say it,
which takes as long as the file is long, and is kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from core.file_facts import keep_fact, kept_fact
from core.media.fields import field_order_of, MODES
from core.media.source import decoded_frames, open_container, video_stream
from core.progress import JobContext

READING = "reading every frame of the clip"
"""The stage of this work."""

_NO_STAMP = -(2**63)
_ORDERS = {b"-": None, **{mode[:1].encode(): order for order, mode in MODES.items()}}
_WHAT = f"shown frames, {av.library_versions['libavcodec']}, {av.library_versions['libavformat']}"


@dataclass(frozen=True)
class ShownFrames:
    """What decoding tells: `stamps` of the frames in the order of display, in ticks of the stream,
    None for one that has none; `field_order` of the first interlaced one, one of
    `core.media.fields.MODES`, None when there is none.
    """

    stamps: tuple[int | None, ...]
    field_order: str | None

    @classmethod
    def of_beginning(cls, path: Path, count: int | None, context: JobContext) -> ShownFrames:
        """The first frames of a file.

        Args:
            path: The file.
            count: How many; all of a short one when None.
            context: Can cancel.

        Returns:
            What decoding them tells.

        Raises:
            Cancelled: The context said so.
        """
        return cls._of(path, context, most=count)

    @classmethod
    def of_all(cls, path: Path, packets: int, context: JobContext) -> ShownFrames:
        """All frames of a file, as they were found before if it has not changed.

        Args:
            path: The file.
            packets: About how many frames there will be.
            context: Is told of frames, and can cancel.

        Returns:
            What decoding them tells.

        Raises:
            Cancelled: The context said so.
        """
        if (data := kept_fact(path, _WHAT)) and len(data) % 8 == 1 and data[:1] in _ORDERS:
            stamps = array("q", data[1:])
            return cls(tuple(None if stamp == _NO_STAMP else stamp for stamp in stamps), _ORDERS[data[:1]])
        found = cls._of(path, context, total=packets)
        order = next(letter for letter, order in _ORDERS.items() if order == found.field_order)
        keep_fact(path, _WHAT, order + array("q", (_NO_STAMP if stamp is None else stamp for stamp in found.stamps)).tobytes())
        return found

    @classmethod
    def _of(cls, path: Path, context: JobContext, most: int | None = None, total: int | None = None) -> ShownFrames:
        stamps: list[int | None] = []
        order: str | None = None
        with open_container(path) as container:
            frames: Iterator[av.VideoFrame] = decoded_frames(container, video_stream(container, path))
            for frame in frames:
                if frame.interlaced_frame and order is None:
                    order = field_order_of(frame)
                stamps.append(frame.pts if frame.pts is not None else frame.dts)
                if total is None:
                    context.check()
                else:
                    context.report(READING, min(len(stamps), total), total)
                if len(stamps) == most:
                    break
        return cls(tuple(stamps), order)
