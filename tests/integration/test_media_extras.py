"""What a file carries besides picture, sound and text is kept where there is room; else said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import AttachmentStream, Disposition
from builders import counted_frames

from core.media import open_clip, probe, VideoWriter
from core.media.codecs import Codec, CONTAINERS
from core.media.stream_plan import stream_notes
from core.media.timecode import later

FONT = b"as if it were a font"


def png() -> bytes:
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 16, 16, "rgb24", Fraction(1)
    picture = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 77, np.uint8))
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])


def carrying(path: Path, cover: bytes) -> Path:
    """A Matroska file with a time code, a font and a cover."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.metadata["timecode"] = "01:00:59:20"
        container.set_chapters([{"id": 0, "start": 0, "end": 400, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}}])
        container.add_attachment("letters.ttf", "application/x-truetype-font", FONT)
        container.add_attachment("cover.png", "image/png", cover)
        for frame in counted_frames(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame).reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


FONT_LOST = "1 attached file (letters.ttf) is left out: {} holds none"


@pytest.mark.parametrize(
    ("name", "codec", "notes"),
    [
        ("out.mkv", "ffv1", ()),
        ("out.mp4", "h264", (FONT_LOST.format("MP4"),)),
        ("out.mov", "prores", (FONT_LOST.format("MOV"), "the cover picture is left out: MOV holds none")),
    ],
)
def test_extras_are_kept_where_the_container_can_and_else_said(tmp_path: Path, name: str, codec: Codec, notes: tuple[str, ...]) -> None:
    cover = png()
    source, target = carrying(tmp_path / "source.mkv", cover), tmp_path / name
    assert stream_notes(source, CONTAINERS[target.suffix], (6, 12)) == notes
    with open_clip(source) as reader, VideoWriter(target, reader.info, codec=codec, audio_from=source, span=(6, 12)) as writer:
        for frame in reader.frames(6, 12):
            writer.write(frame)
    assert probe(target).frames == 6
    assert not [note for note in stream_notes(target, "mp4") if "data" in note], "neither time code nor chapters are such tracks"
    with av.open(str(target)) as container:
        streams = list(container.streams)
        assert {key.lower(): value for key, value in streams[0].metadata.items()}["timecode"] == "01:01:00:02"
        fonts = [stream.data for stream in streams if isinstance(stream, AttachmentStream)]
        covers = [stream for stream in container.streams.video if stream.disposition & Disposition.attached_pic]
        pictures = [bytes(next(packet for packet in container.demux(stream) if packet.size)) for stream in covers]
    assert fonts == ([FONT] if name == "out.mkv" else [])
    assert pictures == ([] if name == "out.mov" else [cover])


@pytest.mark.parametrize(
    ("code", "frames", "rate", "wanted"),
    [
        ("01:00:00:00", 30, Fraction(24), "01:00:01:06"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:59;29", 1, Fraction(30000, 1001), "00:01:00;02"),
        ("00:09:59;29", 1, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:00;00", 17982, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("00:00:00;00", 1, Fraction(25), None),
        ("00:00:00:25", 1, Fraction(25), None),
        ("tomorrow", 1, Fraction(25), None),
    ],
)
def test_a_time_code_runs_on_with_the_frames(code: str, frames: int, rate: Fraction, wanted: str | None) -> None:
    assert later(code, frames, rate) == wanted
