"""What becomes of all but the picture of a file in a container of ours: decided before the work,
and said in words.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path

import av

from core.file_facts import file_mark, FileMark
from core.media.clock import clock_of
from core.media.extras import ExtrasPlan, plan_extras
from core.media.index import frame_index
from core.media.sound_codecs import channels_of, codec_title, CONTAINER_TITLES, encoding_of, may_copy, SoundEncoding
from core.media.source import has_streams, open_container
from core.media.streams import Chapter, SoundFacts, Streams, streams_of, SubtitleFacts
from core.media.timecode import later
from core.project.plain import printable

_TRIED_PACKETS = 8
"""How many packets of a stream are put into a container to see whether it takes them."""
_DECODED_PACKETS = 100
"""How many packets are tried until one can be decoded."""
MOST_SILENCE = Fraction(60)
"""Seconds after the last picture that are filled with silence, before sound that comes late. A
damaged stamp may speak of days.
"""
_TEXTS = ("mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text")
_SUBTITLES = {"mp4": ("mov_text",), "mov": ("mov_text",), "matroska": ("subrip", "ass", "ssa", "webvtt", "dvb_subtitle", "dvd_subtitle")}
_MATROSKA_PICTURES = ("hdmv_pgs_subtitle",)
_SUBTITLE_TITLES = {"hdmv_pgs_subtitle": "PGS", "dvb_subtitle": "DVB", "dvd_subtitle": "DVD", "mov_text": "text"}


@dataclass(frozen=True)
class SoundPlan:
    """A sound stream that is written: copied, or encoded as `encoding` says."""

    facts: SoundFacts
    encoding: SoundEncoding | None


@dataclass(frozen=True)
class SubtitlePlan:
    """A subtitle stream that is written: copied, or as `codec`."""

    facts: SubtitleFacts
    codec: str | None


@dataclass(frozen=True)
class StreamPlan:
    """What is written besides the picture, in the order of the file, and what a person should know
    about it: whole sentences without a capital and a full stop.
    """

    sounds: tuple[SoundPlan, ...] = ()
    subtitles: tuple[SubtitlePlan, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    extras: ExtrasPlan = field(default_factory=ExtrasPlan)
    notes: tuple[str, ...] = ()


def plan_streams(path: Path, container: str, start: Fraction, end: Fraction, to_the_end: bool) -> StreamPlan:
    """Decide how all is written that a file holds besides its picture.

    Args:
        path: The file.
        container: FFmpeg's name of what is written: mp4, mov or matroska.
        start: Where the output begins, in seconds on the file's clock.
        end: Where its last picture ends.
        to_the_end: Whether what plays on after that is written, too.

    Returns:
        The plan. Sound whose packets don't join between `start` and `end` is encoded, and so is
        what the container does not hold. What can't be kept is left out, and said.

    Raises:
        InputError: The file can't be opened.
    """
    streams = streams_of(path)
    taken = _taken(path, container)
    limit = None if to_the_end else end
    sounds: list[SoundPlan] = []
    notes: list[str] = []
    for number, facts in enumerate(streams.sounds, 1):
        name = _name("sound", facts.language, number, len(streams.sounds))
        copied = facts.index in taken and not _is_broken(facts, start, limit)
        plan = SoundPlan(facts, None) if copied else _encoded_plan(path, facts, container)
        if plan is None:
            what = f" ({codec_title(facts.codec)})" if facts.codec else ""
            notes.append(f"{name}{what} can't be decoded, and is left out")
            continue
        sounds.append(plan)
        if plan.encoding is not None:
            notes.append(f"{name} {_encoded(facts, plan.encoding)}: {_why(facts, container, taken)}")
            if to_the_end and facts.begins_again_after(end + MOST_SILENCE):
                notes.append(f"{name} is left out from {MOST_SILENCE} s after the last picture on, as it is silent until then")
    subtitles, lost = _subtitle_plans(streams, container)
    extras = plan_extras(streams.extras, container)
    if (code := streams.extras.timecode) and later(code, 0, frame_index(path).info.rate) is None:
        notes.append(f"the time code {printable(code)!r:.20} is left out: there is none like it at this rate")
    return StreamPlan(tuple(sounds), subtitles, streams.chapters, extras, (*notes, *lost, *extras.notes))


def stream_notes(path: Path, container: str = "mp4", span: tuple[int, int] | None = None) -> tuple[str, ...]:
    """What a person should know about all but the picture of a result.

    Args:
        path: The clip.
        container: FFmpeg's name of what is written: mp4, mov or matroska.
        span: The frames start:stop of the result; all when None.

    Returns:
        Sentences without a capital and a full stop.

    Raises:
        InputError: The file can't be opened.
    """
    if not has_streams(path):
        return ()
    info = frame_index(path).info
    span = span or (0, info.frames)
    clock = clock_of(info, None, span, path)
    return plan_streams(path, container, clock.source_start, clock.source_end, span[1] == info.frames).notes


def _encoded_plan(path: Path, facts: SoundFacts, container: str) -> SoundPlan | None:
    """The plan of a stream that can't be copied; None when it can't be decoded either."""
    if not facts.decodable or not _decodes(file_mark(path), facts.index):
        return None
    return SoundPlan(facts, encoding_of(container, facts.layout, facts.channels, facts.rate, facts.deep))


@lru_cache(maxsize=64)
def _decodes(file: FileMark, index: int) -> bool:
    """Whether any of a stream's first packets gives sound: a header may claim a codec in vain."""
    with open_container(file[0]) as source:
        stream = source.streams[index]
        with suppress(av.FFmpegError):
            for packet in islice(source.demux(stream), _DECODED_PACKETS):
                with suppress(av.FFmpegError, ValueError):
                    if packet.decode():
                        return True
    return False


def _is_broken(facts: SoundFacts, start: Fraction, end: Fraction | None) -> bool:
    return facts.restarts or any(until > start and (end is None or since < end) for since, until in facts.gaps)


@lru_cache(maxsize=64)
def _taken_from(file: FileMark, container: str) -> frozenset[int]:
    path = file[0]
    facts = [one for one in streams_of(path).sounds if one.codec and may_copy(container, one.codec, one.decoder, one.channels)]
    return frozenset(one.index for one in facts if _takes(path, one.index, container))


def _taken(path: Path, container: str) -> frozenset[int]:
    """The indices of the sound streams whose packets the container takes as they are."""
    return _taken_from(file_mark(path), container)


def _takes(path: Path, index: int, container: str) -> bool:
    """Put the first packets of a stream into a container in memory: a header may be refused for the
    stream's own sake, such as MP3 of 11 kHz in MP4.
    """
    try:
        with open_container(path) as source, av.open(io.BytesIO(), "w", format=container) as output:
            stream = source.streams[index]
            copy = output.add_stream_from_template(stream)
            output.start_encoding()
            for packet in _first_packets(source, stream):
                packet.stream = copy
                output.mux(packet)
    except (av.FFmpegError, ValueError):
        return False
    return True


def _first_packets(source: av.container.InputContainer, stream: av.stream.Stream) -> Iterator[av.Packet]:
    count, last = 0, None
    with suppress(av.FFmpegError):
        for packet in source.demux(stream):
            if not packet.size or packet.dts is None or (last is not None and packet.dts <= last):
                continue
            last = packet.dts
            yield packet
            count += 1
            if count == _TRIED_PACKETS:
                return


def _subtitle_plans(streams: Streams, container: str) -> tuple[tuple[SubtitlePlan, ...], list[str]]:
    plans, notes = [], []
    for number, facts in enumerate(streams.subtitles, 1):
        name = _name("subtitles", facts.language, number, len(streams.subtitles))
        held = _SUBTITLES[container] + (_MATROSKA_PICTURES if container == "matroska" else ())
        title = CONTAINER_TITLES[container]
        text = facts.codec in _TEXTS and facts.decodable
        if facts.codec not in held and not text:
            known = _SUBTITLE_TITLES.get(facts.codec, facts.codec.upper()) or "of an unknown kind"
            rest = "holds no such kind" if container == "matroska" else "holds text only; an export as FFV1 (MKV) may keep them"
            notes.append(f"{name} ({known}) are left out: {title} {rest}")
        elif facts.cues is None:
            notes.append(f"{name} take too much memory, and are left out")
        elif facts.codec in held:
            plans.append(SubtitlePlan(facts, None))
        else:
            plans.append(SubtitlePlan(facts, "subrip" if container == "matroska" else "mov_text"))
            if facts.codec in ("ass", "ssa", "webvtt"):
                notes.append(f"{name} ({facts.codec.upper()}) are kept as plain text, without their styles and places")
    return tuple(plans), notes


def _name(kind: str, language: str, number: int, count: int) -> str:
    spoken = f" in '{language}'" if language else ""
    return f"the {kind}{spoken}" if count == 1 else f"{kind} {number}{spoken}"


def _encoded(facts: SoundFacts, encoding: SoundEncoding) -> str:
    kept = channels_of(encoding.layout)
    if kept < facts.channels:
        return f"becomes {encoding.title}, mixed down from {facts.channels} channels"
    if encoding.layout != facts.layout and kept > 2:
        return f"becomes {encoding.title} with all {kept} channels"
    again = codec_title(facts.codec) == codec_title(encoding.codec)
    return f"is encoded anew as {encoding.title}" if again else f"becomes {encoding.title}"


def _why(facts: SoundFacts, container: str, taken: frozenset[int]) -> str:
    if facts.index in taken:
        return "it has gaps or overlaps"
    return f"such {codec_title(facts.codec)} in {CONTAINER_TITLES[container]} is rarely played"
