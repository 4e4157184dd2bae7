"""Sound taken along from the source: copied packet by packet, in sync with the span that is
written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Discard

from core.media.source import open_container

_COPIED_TO_MP4 = ("aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac")
"""What MP4 holds and players understand there. Vorbis and PCM have a place in the standard, but
browsers don't play them from it.
"""
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


_AAC_LAYOUTS = ("mono", "stereo", "5.1")
_SKEW = Fraction(3)
"""Seconds by which one stream of a file may run behind another where it was muxed."""

_Timed = tuple[Fraction, av.Packet]


class AudioTrack:
    """All sound streams of a file, as packets for an output whose time 0 is `start` seconds on the
    file's own clock.

    Raises InputError when the file can't be opened; a file without sound gives no packets. Damaged
    packets are passed over.
    """

    def __init__(self, path: Path, output: OutputContainer, start: Fraction) -> None:
        self._container = open_container(path)
        self._tracks: dict[int, _Copied | _Encoded] = {}
        for stream in self._container.streams:
            if not isinstance(stream, AudioStream) or stream.codec_context is None:
                stream.discard = Discard.all
                continue
            copied = output.format.name == "matroska" or stream.codec_context.codec.canonical_name in _COPIED_TO_MP4
            self._tracks[stream.index] = (_Copied if copied else _Encoded)(stream, output, start)
            if start > _SKEW:
                with suppress(av.FFmpegError):  # a container that can't seek is read from its beginning
                    self._container.seek(int((start - _SKEW) / (stream.time_base or 1)), stream=stream)
        self._packets = self._all_packets()
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

    def _all_packets(self) -> Iterator[_Timed]:
        if not self._tracks:
            return
        with suppress(av.FFmpegError):  # a file that breaks off: the sound ends there
            for packet in self._container.demux(*self._container.streams.audio):
                track = self._tracks.get(packet.stream.index)
                if track is not None and packet.size:
                    yield from track.feed(packet)
        for track in self._tracks.values():
            yield from track.flush()


class _Copied:
    """One stream, packet by packet. Times are moved by a whole number of ticks, so sound and
    picture stay together to less than one tick.

    The packet that straddles time 0 and the one before it, which a decoder needs to settle, get
    times below 0: the edit list of an MP4 then starts playing inside them. Matroska has none, so
    there the sound begins with the straddling packet, and the picture a moment later.
    """

    def __init__(self, stream: AudioStream, output: OutputContainer, start: Fraction) -> None:
        self._time_base = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
        self._shift = round(start / self._time_base)
        self._lead_in = 1 if output.format.name == "matroska" else 2
        self._output = output.add_stream_from_template(stream)

    def feed(self, packet: av.Packet) -> Iterator[_Timed]:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return
        packet.pts = stamp - self._shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - self._shift
        time = packet.pts * self._time_base
        if time + self._lead_in * (packet.duration or 0) * self._time_base <= 0:
            return
        packet.stream = self._output
        yield time, packet

    def flush(self) -> Iterator[_Timed]:
        return iter(())


class _Encoded:
    """One stream whose codec MP4 players don't know, as AAC. The first sample is the one at
    time 0.
    """

    def __init__(self, stream: AudioStream, output: OutputContainer, start: Fraction) -> None:
        context = stream.codec_context
        self._rate = context.sample_rate if context.sample_rate in _AAC_RATES else 48000
        self._layout = context.layout.name if context.layout.name in _AAC_LAYOUTS else "stereo"
        self._start = start
        self._output = output.add_stream("aac", rate=self._rate, layout=self._layout, bit_rate=96_000 * min(2, context.channels))
        self._resampler = av.AudioResampler("fltp", self._layout, self._rate)
        self._fifo = av.AudioFifo()
        self._heard = 0  # samples handed to the queue, counted from time 0
        self._sent = 0

    def feed(self, packet: av.Packet) -> Iterator[_Timed]:
        with suppress(av.FFmpegError):
            for frame in packet.decode():
                if isinstance(frame, av.AudioFrame) and frame.pts is not None and frame.time_base is not None:
                    position = round((frame.pts * frame.time_base - self._start) * self._rate)
                    for part in self._resampler.resample(frame):
                        position = self._queue(part, position)
        yield from self._encoded(partial=False)

    def flush(self) -> Iterator[_Timed]:
        for part in self._resampler.resample(None):
            self._queue(part, self._heard)
        yield from self._encoded(partial=True)
        yield from self._timed(self._output.encode(None))

    def _queue(self, frame: av.AudioFrame, position: int) -> int:
        """Put a frame whose first sample is number `position` where it belongs; silence fills what
        is missing before it.
        """
        after = position + frame.samples
        samples: Any = frame.to_ndarray()[:, max(0, min(self._heard - position, frame.samples)) :]
        if position - self._heard > self._rate // 20 or (self._heard == 0 and position > 0):
            samples = np.pad(samples, ((0, 0), (position - self._heard, 0)))
        if samples.shape[1]:
            part = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._layout)
            part.sample_rate = self._rate
            self._fifo.write(part)
            self._heard += samples.shape[1]
        return after

    def _encoded(self, partial: bool) -> Iterator[_Timed]:
        size = self._output.codec_context.frame_size or 1024
        while (frame := self._fifo.read(size, partial)) is not None:
            frame.pts = self._sent
            frame.time_base = Fraction(1, self._rate)
            self._sent += frame.samples
            yield from self._timed(self._output.encode(frame))

    def _timed(self, packets: list[av.Packet]) -> Iterator[_Timed]:
        for packet in packets:
            if packet.pts is not None:
                yield packet.pts * packet.time_base, packet
