"""Which frames a video stream really decodes to, and when each is shown.

Headers lie (an AVI may promise a frame too many), so packets are counted, and decoding has the last
word. Short clips are decoded whole. Of a long one the first and the last group of pictures are
decoded, which is where packets and frames come apart: frames before the first keyframe that lean on
what was cut away, and a file that breaks off. Where packets can't be trusted to be frames, all is
decoded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from statistics import median_low

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import InputError
from core.file_facts import FileMemory
from core.media.color import alpha_of, FULL, has_alpha, MATRICES, PRIMARIES, RANGES, TRANSFERS
from core.media.orientation import orientation_of
from core.media.shown import ShownFrames
from core.media.siting import siting_of
from core.media.source import alpha_decoder, ALPHA_DECODERS, decoded_frames, head_of, MOST_PIXELS, open_container, video_stream
from core.media.timing import display_stamps, timing_of
from core.progress import JobContext
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
    # Each frame stands for itself.
    *("huffyuv", "ffvhuff", "utvideo", "magicyuv", "dvvideo", "jpeg2000", "cfhd", "hap", "v210"),
)
_CHEAP_PIXELS = 200_000_000
"""Decoding up to this many pixels (100 frames of 1080p) takes a second at most, so nothing is taken
on trust.
"""
_CHECKED_FRAMES = 120
"""How much of a group of pictures is decoded to check it. Some encoders make one group of the whole
clip.
"""

_LARGE = 1_000_000_000
"""Bytes of a file from which on it takes a while to look through its packets, which is said."""
_SAID_EVERY = 1000
LOOKING = "looking through the file"
"""The stage of that."""

_ONLY_SENT = ("avi", "asf")
"""Containers that keep no times of display, only those at which frames go to the decoder."""

_TOLD_BY_SUM = ("mov,mp4,m4a,3gp,3g2,mj2", "gif", "apng", "webp_anim", "awebp", "image2")
"""Containers in which the lengths of all frames add up to the length of the clip."""


Landing = tuple[int, int, int]


_SMALL = (64, 64)


@dataclass(frozen=True)
class FrameIndex:
    """Where the frames of a file's video stream are.

    `pts` are in ticks of `time_base`, ascending, one per frame; None when the stream's stamps can't
    tell its frames apart, so that frames have to be counted from an entry point. `landings` are
    (index, pts, seek target) of the frames that decoding can begin at, ascending; none of them is
    0. `timestamps` are seconds from the first frame,
    `start` is that frame's own time on the clock it shares with the sound, `end` when the last
    frame stops being shown, from the first frame. `size` is (width, height) as coded, before
    rotation. `unsaid_siting` is where the colour samples lie when the frames do not say it.
    """

    info: VideoInfo
    size: tuple[int, int]
    mirrored: bool
    pts: tuple[int, ...] | None
    landings: tuple[Landing, ...]
    timestamps: tuple[Fraction, ...]
    start: Fraction
    unsaid_siting: str | None = None

    @property
    def entry_points(self) -> tuple[int, ...]:
        """Indices of the frames that decoding can begin at, the first among them."""
        return (0, *(position for position, _, _ in self.landings))

    def position(self, pts: int) -> int:
        """Index of the frame that is on screen at `pts`; -1 before the first."""
        assert self.pts is not None
        return bisect_right(self.pts, pts) - 1


INDEXES: FileMemory[FrameIndex] = FileMemory(16)


def frame_index(path: Path, context: JobContext | None = None) -> FrameIndex:
    """The index of a video file, remembered until the file changes.

    Args:
        path: The file.
        context: Is told of frames where all have to be decoded, and can cancel.

    Returns:
        The index.

    Raises:
        InputError: It is no usable video; in one line.
        Cancelled: The context said so.
    """
    return INDEXES.get(path, lambda resolved: _frame_index(resolved, context or JobContext()))


def _frame_index(path: Path, context: JobContext) -> FrameIndex:
    with open_container(path) as container:
        stream = video_stream(container, path)
        packets = _Packets.of(container, stream, context)
    with open_container(path) as container:
        stream = video_stream(container, path)
        first = next(decoded_frames(container, stream), None)
        if first is None:
            if not stream.codec_context.width:  # FFmpeg would not look at it
                raise InputError(
                    f"{path} can't be decoded: it is damaged, or its frames are larger than {MOST_PIXELS // 10**6} million pixels; "
                    "scale it down"
                )
            raise InputError(f"{path} has no frames that can be decoded: it is incomplete or damaged, get the file again")
        audio = _audio(container)
        time_base = stream.time_base or Fraction(1, 1000)
        declared = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        length = Fraction(stream.duration) * time_base if stream.duration else None
        frames = _frames(path, packets, first, container.format.name in _ONLY_SENT, context)
        start = (frames.stamps[0] if frames.stamps else Fraction(stream.start_time or 0)) * time_base
        told = _told(packets, frames, container.format.name in _TOLD_BY_SUM, time_base, length)
        timing = timing_of(frames.stamps, frames.count, time_base, [rate for rate in declared if rate], told, length)
        rotation, mirrored = orientation_of(first)
        width, height = (first.height, first.width) if rotation in (90, 270) else (first.width, first.height)
        coder = stream.codec_context
        aspect = stream.sample_aspect_ratio or Fraction(1)
        siting, said = siting_of(first, coder.codec.canonical_name, head_of(path))
        full = first.color_range == FULL or first.format.name.startswith("yuvj")
        info = VideoInfo(
            width=width,
            height=height,
            rate=timing.rate,
            frames=frames.count,
            variable_rate=timing.variable,
            rotation=rotation,
            codec=coder.codec.canonical_name,
            pixel_format=first.format.name,
            bit_depth=max(component.bits for component in first.format.components),
            color_primaries=PRIMARIES.get(first.color_primaries),
            color_transfer=TRANSFERS.get(first.color_trc),
            color_matrix=MATRICES.get(first.colorspace),
            color_range="pc" if full else RANGES.get(first.color_range),
            audio=audio,
            pixel_aspect=1 / aspect if rotation in (90, 270) else aspect,
            # A whole file may hold more than it shows, too: an edit list leaves some out.
            missing=0 if packets.whole else max(0, stream.frames - frames.count),
            chroma_siting=siting,
            last_frame=timing.last,
            alpha=_shines_through(path, first, coder.codec.canonical_name),
            field_order=frames.field_order if height % 2 == 0 else None,
        )
        unsaid = None if said else siting
        coded = (first.width, first.height)
        return FrameIndex(info, coded, mirrored, frames.pts, frames.landings, timing.stamps, start, unsaid)


def _audio(container: InputContainer) -> tuple[AudioInfo, ...]:
    return tuple(
        AudioInfo(stream.codec_context.codec.canonical_name, stream.codec_context.sample_rate, stream.codec_context.channels)
        for stream in container.streams.audio
        if stream.codec_context is not None
    )


@dataclass(frozen=True)
class _Packets:
    """What demuxing alone tells. `pts` ascend. `sent` are the ticks at which packets go to the
    decoder, by their pts, in that order. `keyframes` are (pts, seek target).
    `trusted` is False as soon as anything hints that packets are not frames.
    """

    pts: tuple[int, ...]
    sent: dict[int, int]
    keyframes: tuple[tuple[int, int], ...]
    trusted: bool
    whole: bool
    """False for a file that breaks off."""
    durations: tuple[int, int]
    """Ticks that the last packet is shown, and the sum over all."""
    count: int

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream, context: JobContext) -> _Packets:
        pts: list[int] = []
        sent: dict[int, int] = {}
        last, total = (-1, 0), 0
        keyframes: list[tuple[int, int]] = []
        trusted = stream.codec_context.codec.canonical_name in _ONE_PACKET_PER_FRAME
        count, whole = 0, True
        try:
            for packet in container.demux(stream):
                context.check()
                if not packet.size:
                    continue
                count += 1
                if container.size > _LARGE and count % _SAID_EVERY == 1 and packet.pos is not None:
                    context.report(LOOKING, 100 * packet.pos // container.size, 100)
                if packet.is_discard:  # an edit list leaves it out
                    continue
                if packet.is_corrupt or packet.pts is None:
                    trusted = False
                    whole = whole and not packet.is_corrupt
                    continue
                pts.append(packet.pts)
                if packet.dts is not None:
                    sent[packet.pts] = packet.dts
                    trusted = trusted and packet.pts >= packet.dts
                last, total = max(last, (packet.pts, packet.duration or 0)), total + (packet.duration or 0)
                if packet.is_keyframe:
                    keyframes.append((packet.pts, packet.pts if packet.dts is None else min(packet.pts, packet.dts)))
        except av.FFmpegError:
            trusted = whole = False
        pts.sort()
        if stream.frames not in (0, count) or any(a == b for a, b in pairwise(pts)):
            trusted = False
        return cls(tuple(pts), sent, tuple(sorted(keyframes)), trusted, whole, (last[1], total), count)


@dataclass(frozen=True)
class _Frames:
    """What decoding tells: `pts` and `landings` as in `FrameIndex`, and the ticks at which frames
    are shown, None when they are not known.
    """

    count: int
    pts: tuple[int, ...] | None
    stamps: tuple[Fraction, ...] | None
    landings: tuple[Landing, ...]
    field_order: str | None
    """Of the first interlaced frame that was decoded."""

    @classmethod
    def exact(cls, pts: tuple[int, ...], packets: _Packets, field_order: str | None) -> _Frames:
        """Frames that are told apart by their stamps."""
        at = {stamp: position for position, stamp in enumerate(pts)}
        landings = tuple((at[stamp], stamp, seek) for stamp, seek in packets.keyframes if at.get(stamp))
        return cls(len(pts), pts, tuple(map(Fraction, pts)), landings, field_order)


def _frames(path: Path, packets: _Packets, first: av.VideoFrame, only_sent: bool, context: JobContext) -> _Frames:
    """The frames, from the packets as far as decoding agrees with them."""
    cheap = len(packets.pts) * first.width * first.height <= _CHEAP_PIXELS
    if not cheap and packets.trusted:
        head = ShownFrames.of_beginning(path, _CHECKED_FRAMES, context)
        pts = _checked(path, packets, head.stamps)
        if pts is not None:
            return _Frames.exact(pts, packets, head.field_order)
    found = ShownFrames.of_beginning(path, None, context) if cheap else ShownFrames.of_all(path, packets.count, context)
    shown = found.stamps
    known = tuple(stamp for stamp in shown if stamp is not None)
    if len(known) == len(shown) and all(a < b for a, b in pairwise(known)):
        return _Frames.exact(known, packets, found.field_order)
    stamps = display_stamps(shown, packets.sent, only_sent)
    # Frames are counted from entry points whose stamps nothing else has.
    times = Counter(known)
    once = {stamp: position for position, stamp in enumerate(shown) if stamp is not None and times[stamp] == 1}
    landings = sorted((position, stamp, seek) for stamp, seek in packets.keyframes if (position := once.get(stamp)))
    return _Frames(len(shown), None, stamps, tuple(landings), found.field_order)


def _shines_through(path: Path, first: av.VideoFrame, codec: str) -> bool:
    """Whether anything in the first frames is transparent."""
    if not has_alpha(first.format) and codec not in ALPHA_DECODERS:
        return False
    with open_container(path) as container:
        stream = video_stream(container, path)
        if not has_alpha(first.format):
            return alpha_decoder(stream) is not stream
        return any(alpha_of(frame, _SMALL).min() < 255 for frame in islice(decoded_frames(container, stream), _CHECKED_FRAMES))


def _told(packets: _Packets, frames: _Frames, by_sum: bool, time_base: Fraction, length: Fraction | None) -> Fraction | None:
    """Seconds that the last frame is shown, as far as the file says it and that can be true."""
    if frames.pts is None or len(packets.pts) != frames.count or not packets.whole:
        return None
    last, total = packets.durations
    told = (frames.pts[0] + total - frames.pts[-1] if by_sum else last) * time_base
    end = (frames.pts[-1] - frames.pts[0]) * time_base + told
    if told <= 0 or (length is not None and end > length + 2 * time_base):
        return None
    usual = median_low([b - a for a, b in pairwise(frames.pts)]) * time_base if frames.count > 1 else Fraction(0)
    # Elsewhere than in these containers a short one only repeats the rate of the header.
    return told if by_sum or told > usual + time_base else None


def _checked(path: Path, packets: _Packets, head: tuple[int | None, ...]) -> tuple[int, ...] | None:
    """The packets' stamps, less what can't be decoded at the start; None when packets disagree with
    the first frames, or with the last ones, in any other way.
    """
    pts = packets.pts[packets.pts.index(head[0]) :] if head and head[0] in packets.pts else ()
    if not head or head != pts[: len(head)]:
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
