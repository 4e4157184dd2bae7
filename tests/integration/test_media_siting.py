"""Colour stays where it is however often a clip is read and written."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.media import open_clip, probe, VideoWriter
from core.media.codecs import Codec

ROUNDS = 10
WIDTH, HEIGHT = 96, 64


def square_clip(path: Path, codec: str, pixels: str, siting: str | None = None) -> Path:
    """A red square on blue, with sharp edges."""
    picture = np.full((HEIGHT, WIDTH, 3), (60, 90, 200), np.uint8)
    picture[16:48, 24:72] = (230, 60, 40)
    fine = {"libx264": {"crf": "2"}, "libx265": {"crf": "2", "x265-params": "log-level=error"}, "mjpeg": {"qmin": "1", "qmax": "1"}}
    options = fine.get(codec, {}) | ({"chroma_sample_location": siting} if siting else {})
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(24), options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        stream.codec_context.color_range = 2 if pixels.startswith("yuvj") else 1
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixels, dst_color_range=stream.codec_context.color_range)))
        container.mux(stream.encode())
    return path


def centre_of_colour(path: Path) -> np.ndarray:
    """Where the square's colour has its centre, (x, y) in pixels."""
    with open_clip(path) as reader:
        frame = reader.frame(1).astype(float)
    colour = frame[..., 0] - frame[..., 2]
    share = (colour - colour[4, 4]) / (colour[32, 48] - colour[4, 4])
    across, down = share[24:40].mean(0), share[:, 40:56].mean(1)
    return np.array([np.average(np.arange(WIDTH), weights=across), np.average(np.arange(HEIGHT), weights=down)])


@pytest.mark.parametrize(
    ("name", "source", "pixels", "said", "codec", "siting"),
    [
        ("a.mp4", "libx264", "yuv420p", None, "h264", "left"),
        ("a.mkv", "libx264", "yuv422p10le", None, "h264", "left"),
        ("a.mkv", "libx265", "yuv420p10le", None, "hevc", "left"),
        ("a.mov", "prores_ks", "yuv422p10le", None, "prores", "left"),
        ("a.webm", "libvpx-vp9", "yuv420p", None, "av1", "left"),
        ("a.avi", "mjpeg", "yuvj420p", None, "h264", "center"),
        ("a.mp4", "libx264", "yuv420p", "topleft", "h264", "topleft"),
        ("a.mp4", "libx264", "yuv420p", "bottom", "hevc", "bottom"),
        ("a.mkv", "ffv1", "yuv420p", "center", "h264", "center"),
    ],
)
def test_colour_does_not_move_in_ten_rounds(
    tmp_path: Path, name: str, source: str, pixels: str, said: str | None, codec: Codec, siting: str
) -> None:
    path = square_clip(tmp_path / name, source, pixels, said)
    assert probe(path).chroma_siting == siting
    before = centre_of_colour(path)
    for number in range(ROUNDS):
        target = tmp_path / f"{number}{'.mov' if codec == 'prores' else '.mp4'}"
        with open_clip(path) as reader, VideoWriter(target, reader.info, codec=codec) as writer:
            for frame in reader.frames():
                writer.write(frame)
        path = target
    assert probe(path).chroma_siting == siting
    moved = (centre_of_colour(path) - before) / 2  # in samples of colour
    assert np.abs(moved).max() / ROUNDS < 0.02


@pytest.mark.parametrize("pixels", ["yuv444p", "bgr0"])
def test_what_has_colour_in_every_pixel_has_no_siting(tmp_path: Path, pixels: str) -> None:
    assert probe(square_clip(tmp_path / "a.mkv", "ffv1", pixels)).chroma_siting is None
