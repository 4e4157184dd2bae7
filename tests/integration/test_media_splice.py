"""A clip written with its unchanged parts copied from the source, packet by packet."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from builders import counted_frames, read_number

from core.media import open_clip
from core.media.codecs import CODECS
from core.media.copying import plan_copies
from core.media.splice import clip_writer, SplicedWriter

FRAMES, CHANGED = 48, range(20, 22)


def clip_of(path: Path, encoder: str, pixels: str, options: dict[str, str], sound: bool) -> Path:
    """Numbered frames with entry points every 12 frames, and a tone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=Fraction(30000, 1001), options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        tone = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        for picture in counted_frames(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
        if tone is not None:
            samples = (np.sin(np.arange(FRAMES * 1602) * 0.05) * 8000).astype(np.int16)[None]
            heard = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            heard.sample_rate = 48000
            container.mux(tone.encode(heard))
            container.mux(tone.encode())
    return path


def packets_of(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(**{kind: 0}) if packet.size]


@pytest.mark.parametrize(
    ("name", "encoder", "pixels", "options", "suffix", "copied"),
    [
        ("b-frames.mp4", "libx264", "yuv420p", {"x264-params": "keyint=12:bframes=3:scenecut=0"}, ".mp4", 36),
        ("baseline.mp4", "libx264", "yuv420p", {"profile": "baseline", "x264-params": "keyint=12:scenecut=0"}, ".mkv", 36),
        ("matroska.mkv", "libx264", "yuv420p", {"x264-params": "keyint=12:bframes=8:b-adapt=0:scenecut=0"}, ".mp4", 36),
        ("full-range.mp4", "libx264", "yuvj420p", {"x264-params": "keyint=12:scenecut=0"}, ".mp4", 36),
        ("every-frame.mov", "prores_ks", "yuv422p10le", {"profile": "hq"}, ".mov", 46),
        ("open.mp4", "libx264", "yuv420p", {"x264-params": "keyint=12:open-gop=1:bframes=8:b-adapt=0:scenecut=0"}, ".mp4", 0),
        ("stream.ts", "libx264", "yuv420p", {"x264-params": "keyint=12:scenecut=0"}, ".mp4", 0),
        ("another.mp4", "mpeg4", "yuv420p", {}, ".mp4", 0),
    ],
)
def test_unchanged_parts_are_copied_where_that_is_safe(
    tmp_path: Path, name: str, encoder: str, pixels: str, options: dict[str, str], suffix: str, copied: int
) -> None:
    source, out = clip_of(tmp_path / name, encoder, pixels, options, sound=True), tmp_path / f"out{suffix}"
    codec = CODECS[3 if encoder == "prores_ks" else 0]
    with open_clip(source) as reader:
        plan = plan_copies(source, reader.info, codec, suffix, CHANGED.__contains__)
        assert (0 if plan is None else plan.copied) == copied
        if plan is None:
            return
        with clip_writer(out, reader, source, codec, (0, FRAMES), plan) as writer:
            assert isinstance(writer, SplicedWriter)
            for part in plan.parts:
                if part.copied:
                    writer.copy(part)
                    continue
                for number, frame in enumerate(reader.frames(part.start, part.stop), part.start):
                    writer.write(255 - frame if number in CHANGED else frame)
        with open_clip(out) as written:
            assert len(written) == FRAMES
            assert max(abs(one - two) for one, two in zip(written.timestamps, reader.timestamps, strict=True)) < Fraction(1, 900)
            for number, frame in enumerate(written.frames()):
                assert read_number(255 - frame if number in CHANGED else frame) == number
                if any(part.copied and part.start <= number < part.stop for part in plan.parts):
                    assert (frame == reader.frame(number)).all()
    assert packets_of(out, "audio") == packets_of(source, "audio")
    before = set(packets_of(source, "video"))
    assert sum(packet in before for packet in packets_of(out, "video")) >= copied - 1  # but for a length in bytes, all
