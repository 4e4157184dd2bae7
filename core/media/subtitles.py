"""Subtitles taken along from the source: their packets, or their text in the container's form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import cast

import av
from av.container import InputContainer, OutputContainer
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from core.media.stream_plan import SubtitlePlan
from core.media.streams import Cue

_TICK = Fraction(1, 1000)
_NO_STYLES = b"[Script Info]\r\nScriptType: v4.00+\r\n"
"""The header that encoders of plain text ask for."""

TimedPacket = tuple[Fraction, av.Packet]


class Subtitles:
    """One subtitle stream of a source as packets of an output: the streams are `source` and
    `output`.
    """

    def __init__(self, plan: SubtitlePlan, source: InputContainer, output: OutputContainer) -> None:
        self._cues = plan.facts.cues or ()
        self.source = cast(SubtitleStream, source.streams[plan.facts.index])
        self._encodes = plan.codec is not None
        if plan.codec is None:
            self.output = output.add_stream_from_template(self.source)
            return
        self.output = cast(SubtitleStream, output.add_stream(plan.codec))
        context = self.output.codec_context
        context.subtitle_header = _NO_STYLES
        context.time_base = _TICK
        context.open()

    def packets(self, start: Fraction, end: Fraction | None) -> Iterator[TimedPacket]:
        """The packets of a stretch.

        Args:
            start: Where the output begins, in seconds on the file's clock.
            end: Where it ends, in seconds of the output; None when all is written.

        Yields:
            (seconds in the output, packet). What is on screen at the beginning or the end is cut.
        """
        for cue in self._cues:
            since, until = cue.start - start, cue.start + cue.duration - start
            if end is not None:
                until = min(until, end)
            since = max(since, Fraction(0))
            if until <= since and not (cue.duration == 0 and cue.start >= start and (end is None or since < end)):
                continue
            packet = self._encoded(cue) if self._encodes else av.Packet(cue.data)
            if packet is None:
                continue
            packet.stream = self.output
            packet.time_base = _TICK
            packet.pts = packet.dts = round(since / _TICK)
            packet.duration = round(until / _TICK) - packet.pts
            packet.is_keyframe = True
            yield since, packet

    def _encoded(self, cue: Cue) -> av.Packet | None:
        packet = av.Packet(cue.data)
        packet.time_base = _TICK
        packet.pts = packet.dts = 0
        packet.duration = round(cue.duration / _TICK)
        with suppress(av.FFmpegError):
            found = self.source.codec_context.decode2(packet)
            line = next((rect.ass for rect in found or () if isinstance(rect, AssSubtitle)), None)
            if line:
                made = SubtitleSet.create(line, 0, packet.duration, pts=0)
                return self.output.codec_context.encode_subtitle(made)
        return None
