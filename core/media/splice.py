"""A whole clip as a file in which only what changed is encoded: the rest is the source's own
packets.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from core.errors import InputError
from core.files import storage_errors
from core.media.codecs import AlphaCodec, Codec, CONTAINERS
from core.media.copying import CopyPlan, Part
from core.media.h264 import ParameterSets, with_lengths
from core.media.index import frame_index
from core.media.probe import open_clip
from core.media.reader import ClipReader
from core.media.source import open_container, video_stream
from core.media.writer import add_video, VideoWriter

_DELAY = 2
"""By how many frames the encoders' pictures are decoded ahead of being shown at most."""

_ROUNDING = Fraction(1, 900)
"""Seconds by which Matroska may round a time."""


class SpliceError(Exception):
    """Copied and encoded parts don't go together in one stream: all has to be encoded."""


def clip_writer(
    path: Path, reader: ClipReader, source: Path, codec: Codec | AlphaCodec, span: tuple[int, int], copies: CopyPlan | None
) -> VideoWriter:
    """The writer of a clip.

    Args:
        path: The file to write.
        reader: The clip.
        source: The file that the sound comes from.
        codec: What it is written as.
        span: The frames start:stop that are written.
        copies: What is copied, where the whole clip is written.

    Returns:
        The writer; a `SplicedWriter` where something is copied.

    Raises:
        InputError: The codec can't hold the clip.
        StorageError: The disk refuses.
        SpliceError: What is copied and what is encoded don't go together.
    """
    if copies is not None:
        return SplicedWriter(path, reader, copies, codec)
    return VideoWriter(path, reader.info, timestamps=reader.timestamps, codec=codec, audio_from=source, span=span)


class SplicedWriter(VideoWriter):
    """A `VideoWriter` of the whole of a clip that takes some parts from the source, packet by
    packet. The parts of the plan are given in their order: `copy` for those that are copied,
    `write` with every frame of the others.

    Encoded parts have parameter sets of their own beside those of the source, and begin and end
    where nothing refers across. Packets are given the times at which they are decoded anew. Raises
    SpliceError, when it is made or while it writes, where that can't be done.
    """

    def __init__(self, path: str | Path, reader: ClipReader, plan: CopyPlan, codec: Codec | AlphaCodec) -> None:
        self._plan = plan
        self._order = 0  # of the next packet among all
        self._packets: Iterator[av.Packet] | None = None
        self._source = open_container(plan.source)
        self._template = video_stream(self._source, plan.source)
        self._encoder: VideoStream | None = None
        self._encoded = 0  # frames of the part that is being encoded
        try:
            super().__init__(path, reader.info, timestamps=reader.timestamps, codec=codec, audio_from=plan.source, span=(0, len(reader)))
            if self._clock.lingers:
                raise SpliceError("the last frame is shown for another time than the others")
            self._ticks = [self._clock.pts(number) for number in range(len(reader))]
            self._numbers = {tick: number for number, tick in enumerate(self._ticks)}
        except BaseException:
            self.abort()
            raise

    def copy(self, part: Part) -> None:
        """Take a part's packets from the source."""
        self._end_encoding()
        index = frame_index(self._plan.source)
        assert index.pts is not None
        if self._packets is None:
            self._packets = (packet for packet in self._source.demux(self._template) if packet.size)
        wanted = {index.pts[number]: number for number in range(part.start, part.stop)}
        while wanted:
            try:
                packet = next(self._packets, None)
            except av.FFmpegError as error:
                raise SpliceError("the source can't be read") from error
            if packet is None:
                raise SpliceError("the source has changed")
            with storage_errors(self._path):
                if packet.pts in wanted:
                    number = wanted.pop(packet.pts)
                    packet.pts, packet.duration, packet.time_base = self._ticks[number], 0, self._clock.tick
                    self._place(packet)
                    self._written += 1

    def abort(self) -> None:
        """Drop what was written."""
        super().abort()
        self._source.close()

    def _check(self) -> None:
        """See whether the file holds what it should: the frames, their times, and beside every
        joint the source's own pictures.
        """
        super()._check()
        try:
            found = frame_index(self._file.temporary)
        except InputError as error:
            raise SpliceError(str(error)) from error
        times = tuple((tick - self._ticks[0]) * self._clock.tick for tick in self._ticks)
        if found.pts is None or not _alike(found.timestamps, times):
            raise SpliceError("frames are missing, or at other times")
        joints = [
            frame for one, two in pairwise(self._plan.parts) for frame, part in ((one.stop - 1, one), (two.start, two)) if part.copied
        ]
        with open_clip(self._file.temporary) as written, open_clip(self._plan.source) as source:
            if any(not np.array_equal(written.frame(frame), source.frame(frame)) for frame in joints):
                raise SpliceError("pictures of the source changed")

    # What the encoder makes

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        """The stream of the output, which is described as the source's, with the sets of both."""
        self._encoder = self._new_encoder()
        stream = container.add_stream_from_template(self._template)
        if self._plan.sets is not None:
            record = self._plan.sets.joined(ParameterSets.of_stream(self._encoder.codec_context.extradata or b""))
            if record is None:
                raise SpliceError("the source and the encoder use profiles that don't go together")
            stream.codec_context.extradata = record
        stream.time_base = self._clock.tick
        stream.metadata.update({name: value for name, value in self._template.metadata.items() if name in ("language", "handler_name")})
        return stream

    def _new_encoder(self) -> VideoStream:
        """An encoder whose packets go into the output by way of `_place`."""
        nowhere = av.open(io.BytesIO(), "w", format=CONTAINERS[self._path.suffix.lower()])
        free = 0
        if self._plan.sets is not None:
            free = next((number for number in range(32) if number not in self._plan.sets.numbers), -1)
            if free < 0:
                raise SpliceError("the source uses all numbers of parameter sets")
        stream = add_video(nowhere, self._info, self._codec, self._clock, set_number=free)
        stream.codec_context.open()
        self._nowhere = nowhere
        return stream

    def _encode(self, picture: av.VideoFrame | None) -> Sequence[av.Packet]:
        if picture is None:
            self._end_encoding()
            return ()
        if self._encoder is None:
            self._encoder = self._new_encoder()
        self._encoded += 1
        for packet in self._encoder.encode(picture):
            self._place_encoded(packet)
        return ()

    def _end_encoding(self) -> None:
        if self._encoder is None or not self._encoded:
            return
        encoder, self._encoder, self._encoded = self._encoder, None, 0
        with storage_errors(self._path):
            for packet in encoder.encode(None):
                self._place_encoded(packet)

    def _place_encoded(self, encoded: av.Packet) -> None:
        data = bytes(encoded)
        packet = av.Packet(with_lengths(data) if self._plan.sets is not None else data)
        packet.pts, packet.dts, packet.time_base, packet.is_keyframe = encoded.pts, encoded.pts, self._clock.tick, encoded.is_keyframe
        self._place(packet)

    def _place(self, packet: av.Packet) -> None:
        """Give a packet its turn: it is decoded when the frame `delay` before it is shown."""
        delay = max(self._plan.delay, _DELAY)
        at = self._order - delay
        step = self._ticks[1] - self._ticks[0] if len(self._ticks) > 1 else 1
        packet.dts = self._ticks[at] if at >= 0 else self._ticks[0] + at * step
        if packet.pts is None or packet.pts < packet.dts:
            raise SpliceError("pictures are shown further ahead than planned")
        self._order += 1
        packet.stream = self._stream
        self._mux([packet])


def _alike(found: Sequence[Fraction], wanted: Sequence[Fraction]) -> bool:
    """Whether times are the same but for a container's rounding."""
    return len(found) == len(wanted) and all(abs(one - two) < _ROUNDING for one, two in zip(found, wanted, strict=True))
