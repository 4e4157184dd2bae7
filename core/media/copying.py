"""Which parts of a clip can be copied from the source packet by packet, instead of being encoded
again, and the rest that has to be encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import av

from core.errors import InputError
from core.media.codecs import Codec, CONTAINERS, ENCODINGS, pixel_format_of
from core.media.h264 import IDR, ParameterSets, PPS, SPS, units_by_lengths
from core.media.index import frame_index, FrameIndex
from core.media.source import has_streams, open_container, video_stream
from core.project.video import VideoInfo


@dataclass(frozen=True)
class Part:
    """The frames start:stop of an output, copied or encoded."""

    start: int
    stop: int
    copied: bool


@dataclass(frozen=True)
class CopyPlan:
    """How a whole clip is written with as much of it copied as can be.

    Attributes:
        source: The file that packets are copied from.
        parts: All frames of the clip, in order.
        delay: By how many frames pictures are decoded ahead of being shown, in the source.
        sets: The source's parameter sets; None for a codec whose every frame stands for itself.
    """

    source: Path
    parts: tuple[Part, ...]
    delay: int
    sets: ParameterSets | None

    @property
    def copied(self) -> int:
        """Frames that are copied."""
        return sum(part.stop - part.start for part in self.parts if part.copied)


def plan_copies(source: Path, info: VideoInfo, codec: str, suffix: str, changed: Callable[[int], bool]) -> CopyPlan | None:
    """Find the parts of a clip that can be copied: groups of pictures in which nothing changed, of
    a source that is in the wanted codec already and says the same about its pictures as the
    encoder would.

    Args:
        source: The clip's file.
        info: The clip as it is written.
        codec: What it is written as.
        suffix: How the name of the output ends.
        changed: Whether a frame was changed.

    Returns:
        The plan; None where nothing can be copied.
    """
    if not has_streams(source) or codec not in ("h264", "prores") or not _is_plain(info, codec):
        return None
    index = frame_index(source)
    if index.pts is None or index.info.field_order is not None or index.size != info.size or index.mirrored:
        return None
    sets: ParameterSets | None = None
    with open_container(source) as container:
        stream = video_stream(container, source)
        if codec == "h264":
            sets = ParameterSets.read(stream.codec_context.extradata or b"")
            if sets is None or CONTAINERS[suffix] == "webm":
                return None
        elif stream.codec_tag != "apch":  # another ProRes than the one that is written
            return None
        frames = _frames_in_file(container.demux(stream), index, sets)
    if frames is None:
        return None
    parts = tuple(_parts(frames, [changed(frame) for frame in range(len(frames))]))
    if not any(part.copied for part in parts):
        return None
    delay = max(place - frame for place, (frame, _) in enumerate(frames))
    return CopyPlan(source, parts, delay, sets)


def _is_plain(info: VideoInfo, codec: Codec | str) -> bool:
    """Whether pictures of the source are stored as they are written."""
    if info.codec != codec or info.rotation or info.alpha or info.field_order is not None or info.missing:
        return False
    try:
        wanted = pixel_format_of(codec, info)  # type: ignore[arg-type]
    except InputError:
        return False
    if codec == "prores" and info.color_range == "pc":
        return False
    sitings = ENCODINGS[codec].sitings  # type: ignore[index]
    return info.pixel_format.replace("yuvj", "yuv") == wanted and (not sitings or info.chroma_siting in (None, "left", *sitings))


def _frames_in_file(packets: Iterator[av.Packet], index: FrameIndex, sets: ParameterSets | None) -> list[tuple[int, bool]] | None:
    """The frame of each packet in the order of the file, and whether decoding can begin anew there,
    with nothing before it needed any more; None where packets are not the clip's frames exactly.
    """
    assert index.pts is not None
    numbers = {pts: number for number, pts in enumerate(index.pts)}
    known = {*sets.sequence, *sets.picture} if sets is not None else set()
    found = []
    try:
        for packet in packets:
            if not packet.size:
                continue
            if packet.is_discard or packet.is_corrupt or packet.pts not in numbers:
                return None
            fresh = packet.is_keyframe
            if sets is not None:
                units = list(units_by_lengths(bytes(packet)))
                kinds = [unit[0] & 31 for unit in units]
                fresh = IDR in kinds
                if any(unit not in known for unit, kind in zip(units, kinds, strict=True) if kind in (SPS, PPS)):
                    return None
            found.append((numbers.pop(packet.pts), fresh))
    except (av.FFmpegError, ValueError):
        return None
    return None if numbers else found


def _parts(frames: list[tuple[int, bool]], changed: list[bool]) -> Iterator[Part]:
    """Runs of groups that are copied, and runs of others."""
    highest = accumulate((frame for frame, _ in frames), max)
    cuts = [place for place, ((frame, fresh), most) in enumerate(zip(frames, highest, strict=True)) if fresh and frame == place == most]
    run: Part | None = None
    for start, stop in pairwise([0, *(cut for cut in cuts if cut), len(frames)]):
        copied = start in cuts and not any(changed[start:stop])
        if run is not None and run.copied == copied:
            run = Part(run.start, stop, copied)
            continue
        if run is not None:
            yield run
        run = Part(start, stop, copied)
    if run is not None:
        yield run
