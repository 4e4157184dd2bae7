"""Which frames a video stream really decodes to, and when each is shown.

Headers lie (an AVI may promise a frame too many), so packets are counted, and decoding has the last
word. Short clips are decoded whole. Of a long one the first and the last group of pictures are
decoded, which is where packets and frames come apart: frames before the first keyframe that lean on
what was cut away, and a file that breaks off. Where packets can't be trusted to be frames, all is
decoded.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from statistics import median_low

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import InputError
from core.media.color import FULL, MATRICES, PRIMARIES, RANGES, TRANSFERS
from core.media.orientation import orientation_of
from core.media.siting import siting_of
from core.media.source import decoded_frames, head_of, open_container, video_stream
from core.project.video import AudioInfo, VideoInfo

_ONE_PACKET_PER_FRAME = (
    "h264",
    "hevc",
    "av1",
    "vp9",
    "mjpeg",
    "prores",
    "ffv1",
    "dnxhd",
    "mpeg2video",
    "mpeg4",
    "rawvideo",
    "png",
    "theora",
)
_CHEAP_PIXELS = 200_000_000
"""Decoding up to this many pixels (100 frames of 1080p) takes a second at most, so nothing is taken
on trust.
"""
_CHECKED_FRAMES = 120
"""How much of a group of pictures is decoded to check it. Some encoders make one group of the whole
clip.
"""

_COMMON_RATES = tuple(Fraction(rate) for rate in (24, 25, 30, 50, 60, 12, 15, 10, 48, 100, 120, 240))
_NTSC_RATES = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120, 48, 15, 12))


@dataclass(frozen=True)
class FrameIndex:
    """Where the frames of a file's video stream are.

    `pts` are in ticks of `time_base`, ascending, one per frame; None when the stream's stamps can't
    tell its frames apart, and frames can only be counted from the start. `keyframes` are (pts, seek
    target) of the packets decoding can begin at. `timestamps` are seconds from the first frame,
    `start` is that frame's own time on the clock it shares with the sound, `end` when the last
    frame stops being shown, from the first frame. `size` is (width, height) as coded, before
    rotation. `unsaid_siting` is where the colour samples lie when the frames do not say it.
    """

    info: VideoInfo
    size: tuple[int, int]
    mirrored: bool
    time_base: Fraction
    pts: tuple[int, ...] | None
    keyframes: tuple[tuple[int, int], ...]
    timestamps: tuple[Fraction, ...]
    start: Fraction
    end: Fraction
    unsaid_siting: str | None = None

    @property
    def entry_points(self) -> tuple[int, ...]:
        """Indices of the frames that decoding can begin at, the first among them."""
        if self.pts is None:
            return (0,)
        positions = ((self.position(pts), pts) for pts, _ in self.keyframes)
        return tuple(sorted({0, *(position for position, pts in positions if position >= 0 and self.pts[position] == pts)}))

    def position(self, pts: int) -> int:
        """Index of the frame that is on screen at `pts`; -1 before the first."""
        assert self.pts is not None
        return bisect_right(self.pts, pts) - 1


def frame_index(path: Path) -> FrameIndex:
    """The index of a video file, remembered until the file changes. InputError in one line when the
    file is no usable video.
    """
    try:
        stat = path.stat()
    except (OSError, ValueError) as error:
        raise InputError(f"there is no file {path}: check the path") from error
    return _frame_index(path.resolve(), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _frame_index(path: Path, size: int, modified: int) -> FrameIndex:
    with open_container(path) as container:
        stream = video_stream(container, path)
        packets = _Packets.of(container, stream)
    with open_container(path) as container:
        stream = video_stream(container, path)
        first = next(decoded_frames(container, stream), None)
        if first is None:
            raise InputError(f"{path} has no frames that can be decoded: it is incomplete or damaged, get the file again")
        audio = _audio(container)
        time_base = stream.time_base or Fraction(1, 1000)
        declared = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        length = Fraction(stream.duration) * time_base if stream.duration else None
        pts, keyframes, count = _frames(path, packets, stream, first)
        start = Fraction(pts[0]) * time_base if pts else Fraction(stream.start_time or 0) * time_base
        stamps, rate, variable, end = _timing(pts, count, time_base, [rate for rate in declared if rate], length)
        rotation, mirrored = orientation_of(first)
        width, height = (first.height, first.width) if rotation in (90, 270) else (first.width, first.height)
        context = stream.codec_context
        aspect = stream.sample_aspect_ratio or Fraction(1)
        siting, said = siting_of(first, context.codec.canonical_name, head_of(path))
        full = first.color_range == FULL or first.format.name.startswith("yuvj")
        info = VideoInfo(
            width=width,
            height=height,
            rate=rate,
            frames=count,
            variable_rate=variable,
            rotation=rotation,
            codec=context.codec.canonical_name,
            pixel_format=first.format.name,
            bit_depth=max(component.bits for component in first.format.components),
            color_primaries=PRIMARIES.get(first.color_primaries),
            color_transfer=TRANSFERS.get(first.color_trc),
            color_matrix=MATRICES.get(first.colorspace),
            color_range="pc" if full else RANGES.get(first.color_range),
            audio=audio,
            pixel_aspect=1 / aspect if rotation in (90, 270) else aspect,
            # A whole file may hold more than it shows, too: an edit list leaves some out.
            missing=0 if packets.whole else max(0, stream.frames - count),
            chroma_siting=siting,
        )
        unsaid = None if said else siting
        return FrameIndex(info, (first.width, first.height), mirrored, time_base, pts, keyframes, stamps, start, end, unsaid)


def _audio(container: InputContainer) -> tuple[AudioInfo, ...]:
    return tuple(
        AudioInfo(stream.codec_context.codec.canonical_name, stream.codec_context.sample_rate, stream.codec_context.channels)
        for stream in container.streams.audio
        if stream.codec_context is not None
    )


@dataclass(frozen=True)
class _Packets:
    """What demuxing alone tells. `pts` ascend; `trusted` is False as soon as anything hints that
    packets are not frames.
    """

    pts: tuple[int, ...]
    keyframes: tuple[tuple[int, int], ...]
    trusted: bool
    whole: bool
    """False for a file that breaks off."""

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream) -> _Packets:
        pts: list[int] = []
        keyframes: list[tuple[int, int]] = []
        trusted = stream.codec_context.codec.canonical_name in _ONE_PACKET_PER_FRAME
        count, whole = 0, True
        try:
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                count += 1
                if packet.is_discard:  # an edit list leaves it out
                    continue
                if packet.is_corrupt or packet.pts is None:
                    trusted = False
                    whole = whole and not packet.is_corrupt
                    continue
                pts.append(packet.pts)
                if packet.is_keyframe:
                    keyframes.append((packet.pts, packet.pts if packet.dts is None else min(packet.pts, packet.dts)))
        except av.FFmpegError:
            trusted = whole = False
        pts.sort()
        if stream.frames not in (0, count) or any(a == b for a, b in pairwise(pts)):
            trusted = False
        return cls(tuple(pts), tuple(sorted(keyframes)), trusted, whole)


def _frames(
    path: Path, packets: _Packets, stream: VideoStream, first: av.VideoFrame
) -> tuple[tuple[int, ...] | None, tuple[tuple[int, int], ...], int]:
    """(pts of the frames or None, keyframes, count), from the packets as far as decoding agrees
    with them.
    """
    cheap = len(packets.pts) * first.width * first.height <= _CHEAP_PIXELS
    pts = None if cheap or not packets.trusted else _checked(path, packets)
    if pts is not None:
        return pts, packets.keyframes, len(pts)
    with open_container(path) as container:
        shown = [frame.pts if frame.pts is not None else frame.dts for frame in decoded_frames(container, video_stream(container, path))]
    known = [stamp for stamp in shown if stamp is not None]
    if len(known) == len(shown) and all(a < b for a, b in pairwise(known)):
        return tuple(known), packets.keyframes, len(known)
    return None, (), len(shown)


def _checked(path: Path, packets: _Packets) -> tuple[int, ...] | None:
    """The packets' stamps, less what can't be decoded at the start; None when packets and frames
    disagree in any other way.
    """
    with open_container(path) as container:
        frames = decoded_frames(container, video_stream(container, path))
        head = [frame.pts for frame in islice(frames, _CHECKED_FRAMES)]
    pts = packets.pts[packets.pts.index(head[0]) :] if head and head[0] in packets.pts else ()
    if not head or tuple(head) != pts[: len(head)]:
        return None
    if len(head) == len(pts):
        return pts
    last = packets.keyframes[-1] if packets.keyframes else None
    if last is None or sum(stamp >= last[0] for stamp in pts) > _CHECKED_FRAMES:
        return pts
    with open_container(path) as container:
        stream = video_stream(container, path)
        container.seek(last[1], stream=stream)
        tail = [frame.pts for frame in decoded_frames(container, stream) if frame.pts is not None and frame.pts >= last[0]]
    return pts if tuple(tail) == pts[-len(tail) :] else None


def _timing(
    pts: tuple[int, ...] | None, count: int, time_base: Fraction, declared: list[Fraction], length: Fraction | None
) -> tuple[tuple[Fraction, ...], Fraction, bool, Fraction]:
    """(time stamps in seconds from the first frame, rate, whether it varies, end of the last
    frame).

    A rate is constant when stamps lie where it puts them, to less than one tick of rounding. Then
    the exact times are used, not the rounded ones: a container that counts milliseconds can't say
    1001/30000 s.
    """
    guess = next(iter(declared), Fraction(25))
    if pts is None or count == 1:
        return tuple(index / guess for index in range(count)), guess, False, count / guess
    stamps = tuple((stamp - pts[0]) * time_base for stamp in pts)
    measured = (count - 1) / stamps[-1]
    near = sorted(_COMMON_RATES + _NTSC_RATES, key=lambda rate: abs(rate - measured))[:2]
    for rate in (*declared, *near, measured):
        errors = [stamp - index / rate for index, stamp in enumerate(stamps)]
        if max(errors) - min(errors) < min(time_base, 1 / rate / 2):
            return tuple(index / rate for index in range(count)), rate, False, count / rate
    end = stamps[-1] + median_low([b - a for a, b in pairwise(stamps)])
    if length is not None and stamps[-1] < length < 2 * end:
        end = length
    return stamps, count / end, True, end
