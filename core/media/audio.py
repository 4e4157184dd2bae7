"""Sound taken along from the source, in sync with the span that is written: packet by packet where
that is right, else decoded and encoded.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Discard
from numpy.typing import NDArray

from core.media.extras import add_extras
from core.media.sound_codecs import channels_of, SoundEncoding
from core.media.source import open_container
from core.media.stream_plan import MOST_SILENCE, plan_streams, StreamPlan
from core.media.subtitles import Subtitles

_SKEW = Fraction(3)
"""Seconds by which one stream of a file may run behind another where it was muxed."""
_OVERLAP = Fraction(1, 2)
"""Seconds by which recordings that were joined may overlap. Times that go back more begin anew."""
_SLACK = Fraction(1, 100)
"""Seconds by which sound may be early or late before it is put right, which can be heard."""
_NAMES = ("language", "title", "handler_name")

_Timed = tuple[Fraction, av.Packet]


@dataclass(frozen=True)
class Stretch:
    """What an output covers of the file that its sound comes from.

    `start` is the output's time 0 and `end` the end of its last picture, in seconds on the file's
    clock. `to_the_end` says that this is the file's last picture, so that what plays on after it
    belongs to the clip. `parts` are for files whose times start again: see
    `core.media.streams.restarts_of`.
    """

    start: Fraction
    end: Fraction
    to_the_end: bool
    parts: tuple[tuple[Fraction, Fraction], ...] = ()

    @property
    def length(self) -> Fraction:
        """Seconds from the start to the end."""
        return self.end - self.start


class SourceStreams:
    """All sound and subtitle streams of a file, as packets for an output.

    Raises InputError when the file can't be opened; a file without sound gives no packets. Damaged
    packets are passed over.
    """

    def __init__(self, path: Path, output: OutputContainer, stretch: Stretch) -> None:
        self.plan: StreamPlan = plan_streams(path, output.format.name, stretch.start, stretch.end, stretch.to_the_end)
        self._container = open_container(path)
        self._stretch = stretch
        self._sounds: dict[int, _Copied | _Encoded] = {}
        for stream in self._container.streams:
            stream.discard = Discard.all
        for plan in self.plan.sounds:
            stream = self._container.streams[plan.facts.index]
            stream.discard = Discard.default
            assert isinstance(stream, AudioStream)
            if plan.encoding is None:
                self._sounds[stream.index] = _Copied(stream, output, stretch)
            else:
                self._sounds[stream.index] = _Encoded(stream, output, plan.encoding, stretch)
            _take_names(stream, self._sounds[stream.index].output)
        texts = [Subtitles(one, self._container, output) for one in self.plan.subtitles]
        for text in texts:
            _take_names(text.source, text.output)
        self._add_chapters(output)
        self._first = add_extras(self.plan.extras, self._container, output)
        ordered = any(plan.facts.restarts for plan in self.plan.sounds)
        if stretch.start > _SKEW and self._sounds and not ordered:
            with suppress(av.FFmpegError):  # a container that can't seek is read from its beginning
                first = self._container.streams[next(iter(self._sounds))]
                self._container.seek(int((stretch.start - _SKEW) / (first.time_base or 1)), stream=first)
        self._packets = self._all_packets(texts)
        self._ahead: _Timed | None = None

    def packets_until(self, time: Fraction) -> Iterator[av.Packet]:
        """The next packets, as long as they begin at `time` (seconds in the output) or before."""
        while (timed := self._ahead or next(self._packets, None)) is not None:
            self._ahead = None
            if timed[0] > time:
                self._ahead = timed
                return
            yield timed[1]

    def packets_to_end(self, end: Fraction | None) -> Iterator[av.Packet]:
        """All remaining packets, those only that begin before `end` (seconds in the output) when
        that is given.
        """
        while (timed := self._ahead or next(self._packets, None)) is not None:
            self._ahead = None
            if end is None or timed[0] < end:
                yield timed[1]
            elif timed[0] > end + _SKEW:
                return

    def close(self) -> None:
        """Close the source."""
        self._container.close()

    def _add_chapters(self, output: OutputContainer) -> None:
        start, length, tick = self._stretch.start, self._stretch.length, Fraction(1, 1000)
        kept: list[Any] = []
        for chapter in self.plan.chapters:
            since, until = max(chapter.start - start, Fraction(0)), min(chapter.end - start, length)
            if since < until:
                times = {"start": round(since / tick), "end": round(until / tick), "time_base": tick}
                kept.append({"id": len(kept), **times, "metadata": {"title": chapter.title}})
        if kept:
            output.set_chapters(kept)

    def _all_packets(self, texts: Sequence[Subtitles]) -> Iterator[_Timed]:
        if self._first is not None:
            yield Fraction(0), self._first
        cues = [text.packets(self._stretch.start, None if self._stretch.to_the_end else self._stretch.length) for text in texts]
        yield from heapq.merge(self._sound_packets(), *cues, key=lambda timed: timed[0])

    def _sound_packets(self) -> Iterator[_Timed]:
        if not self._sounds:
            return
        with suppress(av.FFmpegError):  # a file that breaks off: the sound ends there
            for packet in self._container.demux(*(self._container.streams[index] for index in self._sounds)):
                if packet.size:
                    yield from self._sounds[packet.stream.index].feed(packet)
        for sound in self._sounds.values():
            yield from sound.flush()


_QUICKTIME_LANGUAGES = {
    **{"deu": "ger", "nld": "dut", "ell": "gre", "isl": "ice", "zho": "chi", "fas": "per", "sqi": "alb", "hye": "arm", "eus": "baq"},
    **{"mya": "bur", "kat": "geo", "mkd": "mac", "msa": "may", "cym": "wel", "bod": "tib"},
    **{"fre": "fra", "cze": "ces", "slo": "slk", "rum": "ron", "swe": "sve"},
}
"""Some languages have two codes; FFmpeg writes only one of them into a MOV."""


def _take_names(source: av.stream.Stream, target: av.stream.Stream) -> None:
    """Give a stream the language, title and flags (default, forced, commentary ...) of another."""
    names = {name: source.metadata[name] for name in _NAMES if source.metadata.get(name)}
    if "title" not in names and source.metadata.get("name"):  # what QuickTime calls it
        names["title"] = source.metadata["name"]
    if target.container.format.name == "mov" and "language" in names:
        names["language"] = _QUICKTIME_LANGUAGES.get(names["language"], names["language"])
    target.metadata.update(names)
    target.disposition = source.disposition


class _Copied:
    """One stream, packet by packet. Times are moved by a whole number of ticks, so sound and
    picture stay together to less than one tick.

    The packet that straddles time 0 and the one before it, which a decoder needs to settle, get
    times below 0: the edit list of an MP4 then starts playing inside them. Matroska has none, so
    there the sound begins with the straddling packet, and the picture a moment later. Only the
    file's first packet is kept there, too: it is no sound of before, it lets a decoder settle.
    """

    def __init__(self, stream: AudioStream, output: OutputContainer, stretch: Stretch) -> None:
        self._time_base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
        self._shift = round(stretch.start / self._time_base)
        self._lead_in = 1 if output.format.name == "matroska" else 2
        self._begun = False
        self._last: int | None = None
        self._at_first = stretch.start <= _SKEW  # further on, the file's beginning is passed over
        self.output = output.add_stream_from_template(stream)

    def feed(self, packet: av.Packet) -> Iterator[_Timed]:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or (packet.is_discard and self._begun):
            return
        packet.pts = stamp - self._shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - self._shift
        time = packet.pts * self._time_base
        lead_in, self._at_first = 2 if self._at_first else self._lead_in, False
        if time + lead_in * (packet.duration or 0) * self._time_base <= 0:
            return
        if self._last is not None and packet.dts <= self._last:
            return
        self._last = packet.dts
        self._begun = self._begun or not packet.is_discard
        packet.stream = self.output
        yield time, packet

    def flush(self) -> Iterator[_Timed]:
        return iter(())


class _Encoded:
    """One stream decoded and encoded again. The first sample is the one at time 0; silence fills
    gaps, and what overlaps is left out.
    """

    def __init__(self, stream: AudioStream, output: OutputContainer, encoding: SoundEncoding, stretch: Stretch) -> None:
        self._stream = stream
        self._rate, self._layout, self._channels = encoding.rate, encoding.layout, channels_of(encoding.layout)
        self._start = stretch.start
        self._limit = round((stretch.length + MOST_SILENCE) * self._rate)
        self._slack = round(_SLACK * self._rate)
        self._parts = stretch.parts
        self._part = 0
        self._offset = Fraction(0)  # seconds that are added to the times of the part
        self._last: int | None = None
        options: dict[str, Any] = {"bit_rate": encoding.bit_rate} if encoding.bit_rate else {}
        self.output = cast(AudioStream, output.add_stream(encoding.codec, rate=self._rate, layout=self._layout, **options))
        context = self.output.codec_context
        formats = [known.name for known in av.Codec(encoding.codec, "w").audio_formats or ()]
        chosen = "s32" if "s32" in formats and encoding.deep else formats[0]
        context.format = av.AudioFormat(chosen)
        context.open()
        self._encode = av.AudioResampler(chosen, self._layout, self._rate, frame_size=context.frame_size or 4096)
        self._decode: av.AudioResampler | None = None
        self._form = ("", "", 0)
        self._heard = 0  # samples handed to the encoder, counted from time 0

    def feed(self, packet: av.Packet) -> Iterator[_Timed]:
        self._note_restart(packet)
        with suppress(av.FFmpegError, ValueError):  # a damaged packet may decode to what can't be
            for frame in packet.decode():
                if isinstance(frame, av.AudioFrame) and frame.samples:
                    yield from self._take(frame)

    def flush(self) -> Iterator[_Timed]:
        with suppress(av.FFmpegError):
            for frame in self._stream.codec_context.decode(None):
                yield from self._take(frame)
        if self._decode is not None:
            for part in self._decode.resample(None):
                yield from self._place(_samples(part, self._channels), self._heard)
        yield from self._encoded(self._encode.resample(None) if self._heard else [])
        yield from self._timed(self.output.encode(None))

    def _note_restart(self, packet: av.Packet) -> None:
        """Find out where the times of a new part lie. The picture's own parts say it; if they are
        others, the sound goes on where it ended.
        """
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or packet.is_discard:
            return
        if self._last is not None and stamp < self._last:
            self._part += 1
            self._stream.codec_context.flush_buffers()
            time, heard = stamp * packet.time_base, self._start + Fraction(self._heard, self._rate)
            if self._part < len(self._parts):
                since, shown = self._parts[self._part]
                self._offset = self._parts[0][0] + shown - since
            elif time + self._offset < heard - _OVERLAP:
                self._offset = heard - time
        self._last = stamp

    def _take(self, frame: av.AudioFrame) -> Iterator[_Timed]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._decode is None or form != self._form:
            if self._decode is not None:
                for part in self._decode.resample(None):
                    yield from self._place(_samples(part, self._channels), self._heard)
            # As many channels are the same ones under another name, and aren't mixed.
            layout = frame.layout.name if frame.layout.nb_channels == self._channels else self._layout
            self._decode, self._form = av.AudioResampler("flt", layout, self._rate), form
        position = self._heard
        if frame.pts is not None and frame.time_base is not None:
            position = round((frame.pts * frame.time_base + self._offset - self._start) * self._rate)
        for part in self._decode.resample(frame):
            samples = _samples(part, self._channels)
            yield from self._place(samples, position)
            position += len(samples)

    def _place(self, samples: NDArray[np.float32], position: int) -> Iterator[_Timed]:
        """Put samples (N, channels), of which the first is number `position`, where they belong."""
        off = position - self._heard
        if self._heard == 0 or abs(off) > self._slack:
            if off < 0:
                samples = samples[-off:]
            elif position > self._limit:
                return
            while self._heard < position and len(samples):
                silent = min(position - self._heard, self._rate)
                yield from self._append(np.zeros((silent, self._channels), np.float32))
        if len(samples):
            yield from self._append(samples)

    def _append(self, samples: NDArray[np.float32]) -> Iterator[_Timed]:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="flt", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._heard, Fraction(1, self._rate)
        self._heard += len(samples)
        yield from self._encoded(self._encode.resample(frame))

    def _encoded(self, frames: Sequence[av.AudioFrame]) -> Iterator[_Timed]:
        for frame in frames:
            yield from self._timed(self.output.encode(frame))

    def _timed(self, packets: Sequence[av.Packet]) -> Iterator[_Timed]:
        for packet in packets:
            if packet.pts is not None:
                yield packet.pts * packet.time_base, packet


def _samples(frame: av.AudioFrame, channels: int) -> NDArray[np.float32]:
    """float32 (N, channels); interleaved on the way, since PyAV can't give out 8 planes."""
    return np.asarray(frame.to_ndarray(), np.float32).reshape(-1, channels)
