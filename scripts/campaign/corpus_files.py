"""Make the file of a case, through PyAV alone."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from scripts.campaign.corpus_cases import Case, Sound

CLICK = 0.1
"""Seconds between the clicks of a sound."""
_FORMATS = {"y4m": "yuv4mpegpipe", "ts": "mpegts", "wmv": "asf", "ogv": "ogg", "mpg": "vob"}


def masks_of(case: Case) -> list[np.ndarray]:
    """The disc on every frame, bool (H, W), upright as the clip is shown."""
    width, height = case.size
    ys, xs = np.mgrid[:height, :width]
    masks = []
    for index in range(case.frames):
        x, y, radius = _disc(case, index)
        masks.append(np.rot90((xs - x) ** 2 + (ys - y) ** 2 <= radius**2, -case.rotation // 90))
    return masks


def box_of(case: Case) -> tuple[int, int, int, int]:
    """Around the disc on the first frame: x0, y0, x1, y1."""
    ys, xs = np.nonzero(masks_of(case)[0])
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def pictures_of(case: Case) -> Iterator[np.ndarray]:
    """A disc that moves over a gradient, uint8 (H, W, 3)."""
    width, height = case.size
    ys, xs = np.mgrid[:height, :width]
    for index in range(case.frames):
        x, y, radius = _disc(case, index)
        picture = np.stack([60 + xs * 80 // width, 90 + ys * 80 // height, 70 + (xs + ys) * 40 // (width + height)], -1).astype(np.uint8)
        picture[(xs - x) ** 2 + (ys - y) ** 2 <= radius**2] = (235, 200, 60)
        yield picture


def make(case: Case, path: Path) -> None:
    """Write the file; raises whatever PyAV raises where it can't be written here."""
    with av.open(str(path), "w", format=case.container or _FORMATS.get(case.suffix)) as out:
        stream: Any = out.add_stream(case.codec, rate=case.rate, options=dict(case.options))
        stream.width, stream.height = case.size
        stream.pix_fmt = case.pixels
        ticks, tick = case.ticks()
        context = stream.codec_context
        if case.codec not in ("mpeg4", "mpeg1video", "mpeg2video"):  # those know the usual rates only
            context.time_base = tick
        if case.tags is not None:
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = case.tags
        if case.aspect is not None:
            context.sample_aspect_ratio = case.aspect
        if case.rotation:
            stream.set_display_rotation(-case.rotation)
        sounds = [(one, _sound_stream(out, one)) for one in case.sounds]
        packets: list[tuple[Fraction, av.Packet]] = []
        length = float((ticks[-1] - ticks[0] + 1 / (tick * case.rate)) * tick)
        for one, sound in sounds:
            packets += _timed(_sound_packets(one, sound, length))
        for stamp, picture in zip(ticks, pictures_of(case), strict=True):
            frame = av.VideoFrame.from_ndarray(picture).reformat(format=case.pixels)
            frame.pts, frame.time_base = stamp, tick
            packets += _timed(stream.encode(frame))
        packets += _timed(stream.encode(None))
        for _, packet in sorted(packets, key=lambda timed: timed[0]):
            out.mux(packet)


def _timed(packets: list[av.Packet]) -> Iterator[tuple[Fraction, av.Packet]]:
    for packet in packets:
        yield (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base, packet


def _disc(case: Case, index: int) -> tuple[int, int, int]:
    width, height = case.size
    radius = max(4, min(width, height) // 4)
    return width // 3 + 2 * index, height // 2, radius


def _sound_stream(out: Any, sound: Sound) -> Any:
    stream = out.add_stream(sound.codec, rate=sound.rate, layout=sound.layout, options={"strict": "-2"})
    if sound.codec.startswith("wma"):
        stream.codec_context.bit_rate = 128_000
    stream.codec_context.open()
    if sound.language:
        stream.metadata["language"] = sound.language
    return stream


def _sound_packets(sound: Sound, stream: Any, length: float) -> list[av.Packet]:
    """Clicks at every `CLICK` seconds, from 0.3 s on where the pattern is late."""
    seconds = {"short": length / 2, "long": 2 * length}.get(sound.pattern, length)
    begin = round(0.3 * sound.rate) if sound.pattern == "late" else 0
    times = np.arange(round(seconds * sound.rate))
    period = round(CLICK * sound.rate)
    wave = (0.6 * np.sin(times * 2 * np.pi * min(1500, sound.rate / 6) / sound.rate) * (times % period < period // 8)).astype(np.float32)
    channels = av.AudioLayout(sound.layout).nb_channels
    frame = av.AudioFrame.from_ndarray(np.repeat(wave[:, None], channels, 1).reshape(1, -1), format="flt", layout=sound.layout)
    frame.sample_rate, frame.pts, frame.time_base = sound.rate, begin, Fraction(1, sound.rate)
    context = stream.codec_context
    resampler = av.AudioResampler(context.format.name, sound.layout, sound.rate, frame_size=context.frame_size or 1024)
    packets: list[av.Packet] = []
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        packets += stream.encode(part)
    packets += stream.encode(None)
    if sound.pattern == "gap":
        packets = [one for one in packets if not 0.2 <= float((one.pts or 0) * one.time_base) < 0.4]
    return packets
