"""What a file holds besides its picture: sound, subtitles, chapters, and the rest.

Packets are looked through without decoding them, since a header tells nothing of gaps, overlaps and
times that start again, and each of these decides how the sound can be written.
"""

from __future__ import annotations

from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard
from av.subtitles.stream import SubtitleStream

from core.errors import InputError
from core.file_facts import FileMemory
from core.media.extras import covers_of, data_of, Extras, extras_of
from core.media.index import frame_index
from core.media.source import is_decodable, open_container, video_stream
from core.progress import JobContext

SLACK = Fraction(1, 50)
"""Seconds by which the times of packets may be off: recorders and containers round them. More is a
gap or an overlap.
"""
_LOSSLESS = ("pcm_", "flac", "alac", "tta", "wavpack", "ape", "truehd", "mlp", "wmalossless")
_MOST_SUBTITLES = 64_000_000
"""Bytes of a file's subtitles that are kept in memory: of those of text, which need a thousandth of
it, and again of those of pictures, which may need more and are then left out.
"""
_NEAR = Fraction(1)
"""Gaps within so many seconds are kept as one, since some streams have one at every packet."""


@dataclass(frozen=True)
class SoundFacts:
    """A sound stream.

    `codec` and `decoder` are FFmpeg's names, `deep` says that more than 16 bits a sample are kept.
    `gaps` are (from, to) in seconds of the file's clock, where packets don't join. `restarts` says
    that times go back, as in recordings that were joined. `start` is when the first packet begins,
    on the same clock.
    """

    index: int
    codec: str
    decoder: str
    rate: int
    channels: int
    layout: str
    deep: bool
    decodable: bool
    language: str
    gaps: tuple[tuple[Fraction, Fraction], ...] = ()
    restarts: bool = False
    start: Fraction = Fraction(0)

    def begins_again_after(self, time: Fraction) -> bool:
        """Whether there is silence, then sound that begins after a time on the file's clock."""
        return not self.restarts and (self.start > time or any(until > time for _, until in self.gaps))


@dataclass(frozen=True)
class Cue:
    """A subtitle: when it is shown, in seconds of the file's clock, and its packet."""

    start: Fraction
    duration: Fraction
    data: bytes


@dataclass(frozen=True)
class SubtitleFacts:
    """A subtitle stream; `cues` is None when there are too many bytes of them."""

    index: int
    codec: str
    decodable: bool
    language: str
    cues: tuple[Cue, ...] | None


@dataclass(frozen=True)
class Chapter:
    """A named stretch, in seconds of the file's clock."""

    start: Fraction
    end: Fraction
    title: str


@dataclass(frozen=True)
class Streams:
    """All that a file holds besides its picture, in the order of the file."""

    sounds: tuple[SoundFacts, ...] = ()
    subtitles: tuple[SubtitleFacts, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    extras: Extras = field(default_factory=Extras)


_STREAMS: FileMemory[Streams] = FileMemory(4)


def streams_of(path: Path, context: JobContext | None = None) -> Streams:
    """What the file holds, remembered until it changes.

    Args:
        path: The file.
        context: Can cancel.

    Returns:
        The streams.

    Raises:
        InputError: It can't be opened.
        Cancelled: The context said so.
    """
    return _STREAMS.get(path, lambda resolved: _streams_of(resolved, context or JobContext()))


def restarts_of(path: Path) -> tuple[tuple[Fraction, Fraction], ...]:
    """Where the times of a file start again, if its pictures are counted for that reason.

    Returns:
        For each part (the earliest time of a picture in it on the file's clock, when that is shown,
        counted from the first picture), both in seconds; nothing for the usual file.

    Raises:
        InputError: The file can't be opened.
    """
    if not any(sound.restarts for sound in streams_of(path).sounds):
        return ()
    with suppress(InputError):  # a file of sound alone
        index = frame_index(path)
        return _parts_of(path, index.info.rate) if index.pts is None else ()
    return ()


def _parts_of(path: Path, rate: Fraction) -> tuple[tuple[Fraction, Fraction], ...]:
    parts: list[tuple[Fraction, Fraction]] = []
    with open_container(path) as container, suppress(av.FFmpegError):
        before: int | None = None
        for count, packet in enumerate(one for one in container.demux(video_stream(container, path)) if one.size):
            if packet.pts is None or packet.dts is None:
                return ()
            time = packet.pts * packet.time_base
            if before is None or packet.dts < before:
                parts.append((time, count / rate))
            elif time < parts[-1][0]:
                parts[-1] = (time, parts[-1][1])
            before = packet.dts
    return tuple(parts)


def _streams_of(path: Path, context: JobContext) -> Streams:
    with open_container(path) as container:
        data = data_of(container)
        sounds: dict[int, _Sound] = {}
        subtitles: dict[int, _Subtitles] = {}
        texts, pictures = _Room(), _Room()
        for stream in container.streams:
            if isinstance(stream, AudioStream):
                sounds[stream.index] = _Sound(stream)
            elif isinstance(stream, SubtitleStream):
                subtitles[stream.index] = _Subtitles(stream, texts if is_decodable(stream) else pictures)
            else:
                stream.discard = Discard.all
        covers = {stream.index: _Cover() for stream in covers_of(container)[:1]}
        for index in covers:
            container.streams[index].discard = Discard.default
        seen: dict[int, _Sound | _Subtitles | _Cover] = {**sounds, **subtitles, **covers}
        if seen:
            with suppress(av.FFmpegError):  # a file that breaks off
                for packet in container.demux(*(container.streams[index] for index in seen)):
                    context.check()
                    if packet.size:
                        seen[packet.stream.index].see(packet)
        cover = next((one.data for one in covers.values()), b"")
        return Streams(
            tuple(sound.facts() for sound in sounds.values()),
            tuple(text.facts() for text in subtitles.values()),
            _chapters(container),
            extras_of(container, cover, data),
        )


def _chapters(container: InputContainer) -> tuple[Chapter, ...]:
    found = []
    for chapter in container.chapters():
        base = chapter["time_base"] or Fraction(1)
        start, end = chapter["start"] * base, chapter["end"] * base
        if start < end:
            found.append(Chapter(start, end, chapter["metadata"].get("title", "")))
    return tuple(found)


def _language(metadata: dict[str, str]) -> str:
    language = metadata.get("language", "")
    return "" if language == "und" else language


class _Cover:
    """The packet of an attached picture."""

    data = b""

    def see(self, packet: av.Packet) -> None:
        self.data = self.data or bytes(packet)


class _Sound:
    """Times and durations of the packets of a sound stream as they pass by, in ticks. A film has
    half a million of them.
    """

    def __init__(self, stream: AudioStream) -> None:
        self.stream = stream
        self._stamps, self._lengths = array("q"), array("q")
        self._left_out = 0
        self._broken = False

    def see(self, packet: av.Packet) -> None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            self._broken = True
        elif packet.is_discard:  # an edit list leaves it out: at the start or the end that is usual
            self._left_out += bool(self._stamps)
        else:
            self._broken = self._broken or self._left_out > 0
            self._stamps.append(stamp)
            self._lengths.append(packet.duration or 0)

    def facts(self) -> SoundFacts:
        context, base = self.stream.codec_context, self.stream.time_base or Fraction(1)
        gaps, restarts = self._joins(base) if self.stream.codec_context is not None else ((), False)
        if self._broken and self._stamps:
            gaps = ((min(self._stamps) * base, max(self._stamps) * base),)
        language = _language(self.stream.metadata)
        if context is None:
            return SoundFacts(self.stream.index, "", "", 0, 0, "", False, False, language)
        codec, format_name = context.codec.canonical_name, context.format.name if context.format else ""
        decodable = is_decodable(self.stream) and context.sample_rate > 0 and context.channels > 0
        return SoundFacts(
            index=self.stream.index,
            codec=codec,
            decoder=context.codec.name,
            rate=context.sample_rate,
            channels=context.channels,
            layout=context.layout.name if context.channels else "",
            deep=codec.startswith(_LOSSLESS) and not format_name.startswith(("s16", "u8")),
            decodable=decodable,
            language=language,
            gaps=gaps,
            restarts=restarts,
            start=self._stamps[0] * base if self._stamps else Fraction(0),
        )

    def _joins(self, base: Fraction) -> tuple[tuple[tuple[Fraction, Fraction], ...], bool]:
        """Where packets don't follow each other, and whether times go back.

        In an MP4 a packet lasts until the next one begins, whatever is between. So where most
        packets are of one length, none is taken to be longer.
        """
        lengths = self._lengths
        usual = median_low(lengths) if lengths else 0
        compressed = not self.stream.codec_context.codec.canonical_name.startswith("pcm_")
        uniform = compressed and sum(abs(length - usual) <= 1 for length in lengths) > 0.8 * len(lengths)
        slack, near = max(2, int(SLACK / base)), int(_NEAR / base)
        gaps: list[tuple[int, int]] = []
        restarts = False
        for (stamp, following), length in zip(pairwise(self._stamps), lengths, strict=False):
            end = stamp + (min(length, usual) if uniform else length)
            restarts = restarts or following < stamp
            if abs(following - end) > slack or following <= stamp:
                since, until = min(end, following), max(end, following)
                if gaps and gaps[-1][0] - near <= since <= gaps[-1][1] + near:
                    since, until = min(gaps[-1][0], since), max(gaps.pop()[1], until)
                gaps.append((since, until))
        return tuple((since * base, until * base) for since, until in gaps), restarts


@dataclass
class _Room:
    """The bytes that there is still room for."""

    left: int = _MOST_SUBTITLES


class _Subtitles:
    """Packets of a subtitle stream as they pass by; none once there is no room for them."""

    def __init__(self, stream: SubtitleStream, room: _Room) -> None:
        self.stream = stream
        self._room = room
        self._cues: list[Cue] | None = []
        self._size = 0

    def see(self, packet: av.Packet) -> None:
        if packet.pts is None or self._cues is None:
            return
        if packet.size > self._room.left:
            self._room.left += self._size
            self._cues = None
            return
        self._size += packet.size
        self._room.left -= packet.size
        self._cues.append(Cue(packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base, bytes(packet)))

    def facts(self) -> SubtitleFacts:
        codec = self.stream.codec_context.codec.canonical_name if self.stream.codec_context is not None else ""
        cues = None if self._cues is None else tuple(self._cues)
        return SubtitleFacts(self.stream.index, codec, is_decodable(self.stream), _language(self.stream.metadata), cues)
