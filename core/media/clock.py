"""When each written frame is shown, in whole ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm
from pathlib import Path

from core.errors import InputError
from core.geometry import FrameRange
from core.media.index import frame_index, FrameIndex
from core.media.source import has_streams
from core.project.video import VideoInfo
from core.words import counted

_FINEST_TICK = Fraction(1, 1_000_000)
"""For time stamps without a common measure: then they are rounded to a microsecond."""


@dataclass(frozen=True)
class Clock:
    """The time stamps of an output, the first of them 0.

    `frames` is how many frames it holds, None when that is open. `source_start` is where the output
    begins, in seconds on the clock of the file that the sound comes from.
    """

    tick: Fraction
    frames: int | None
    stamps: tuple[Fraction, ...] | None
    length: Fraction | None
    rate: Fraction
    source_start: Fraction

    def pts(self, index: int) -> int:
        """Time stamp of a frame, in ticks."""
        return index if self.stamps is None else round(self.stamps[index] / self.tick)

    @property
    def lingers(self) -> bool:
        """Whether the last frame is shown for another time than those before it."""
        if self.stamps is None or self.length is None or len(self.stamps) < 2:
            return False
        return self.length - self.stamps[-1] > 1.5 * (self.stamps[-1] - self.stamps[-2])

    def end(self, written: int) -> Fraction:
        """Seconds at which the last of `written` frames stops being shown."""
        return written / self.rate if self.length is None else self.length

    @property
    def source_end(self) -> Fraction:
        """When the last frame of an output of known length ends, on the source's clock."""
        assert self.frames is not None
        return self.source_start + self.end(self.frames)


def clock_of(info: VideoInfo, timestamps: Sequence[Fraction] | None, span: tuple[int, int] | None, audio_from: Path | None) -> Clock:
    """Find out when each frame of an output is shown. See `VideoWriter` for what may be left out.

    Args:
        info: The source.
        timestamps: Seconds, of the whole source or of the span; None for a constant rate, or where
            `audio_from` has them.
        span: The half-open part of the source that is written; None for all of it.
        audio_from: The file whose sound is taken along.

    Returns:
        The clock of the output.

    Raises:
        InputError: The span is outside the source, or time stamps are missing, of a wrong number or
            not ascending.
    """
    if span is not None:
        FrameRange(*span).check(info.frames)
    source = _index_of(audio_from)
    if timestamps is None and info.variable_rate:
        if source is None or source.info.frames != info.frames:
            raise InputError("a video of variable rate can't be written without its time stamps")
        timestamps = source.timestamps
    if timestamps is None and info.last_frame is not None:
        timestamps = [index / info.rate for index in range(info.frames)]
    base = source.start if source is not None else Fraction(0)
    start = span[0] if span is not None else 0
    if timestamps is None:
        frames = span[1] - span[0] if span is not None else None
        return Clock(1 / info.rate, frames, None, None, info.rate, base + start / info.rate)

    stamps = [Fraction(stamp) for stamp in timestamps]
    following = None  # when the frame after the last one is shown
    if span is not None and len(stamps) == info.frames:
        following = stamps[span[1]] if span[1] < info.frames else None
        stamps = stamps[span[0] : span[1]]
    if not stamps or (span is not None and len(stamps) != span[1] - span[0]):
        raise InputError(f"{len(stamps)} time stamps don't fit {counted(info.frames if span is None else span[1] - span[0], 'frame')}")
    if any(a >= b for a, b in pairwise(stamps)):
        raise InputError("the time stamps of a video must ascend")
    to_the_end = start + len(stamps) == info.frames
    if following is None and to_the_end and (start == 0 or stamps[0] > 0):
        following = info.length
    if following is None or following <= stamps[-1]:
        following = stamps[-1] + (stamps[-1] - stamps[-2] if len(stamps) > 1 else 1 / info.rate)
    # Stamps that begin at 0 in the middle of a source are counted from the span, others from the
    # source's first frame.
    offset = stamps[0] if start == 0 or stamps[0] > 0 else start / info.rate
    relative = tuple(stamp - stamps[0] for stamp in stamps)
    length = following - stamps[0]
    return Clock(_common_tick([*relative, length]), len(stamps), relative, length, info.rate, base + offset)


def _common_tick(times: Sequence[Fraction]) -> Fraction:
    """The largest tick of which all times are whole multiples, unless that is too fine for a
    container.
    """
    tick = Fraction(gcd(*(time.numerator for time in times)), lcm(*(time.denominator for time in times)))
    return max(tick, _FINEST_TICK)


def _index_of(path: Path | None) -> FrameIndex | None:
    """The index of the video that the sound comes from; None when there is no video in that file,
    or no file.
    """
    if path is None or not has_streams(path):
        return None
    try:
        return frame_index(path)
    except InputError:
        return None
