"""Interlaced clips: their fields stay apart, or become whole frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec.context import Flags

from core.errors import InputError
from core.media import index, open_clip, probe, VideoWriter
from core.media.codecs import Codec
from core.media.filters import FrameFilter
from core.project.video import VideoInfo

ORDERS = {"top": "tff", "bottom": "bff"}
FRAMES, WIDTH, HEIGHT = 24, 96, 64


def moving_bar(count: int = FRAMES) -> np.ndarray:
    """uint8 (T, H, W, 3): a red bar on blue that moves to the right, its even lines a moment ahead
    of its odd ones.
    """
    frames = np.full((count, HEIGHT, WIDTH, 3), (40, 60, 190), np.uint8)
    for number in range(count):
        for parity in (0, 1):
            left = 8 + 2 * (2 * number + parity)
            frames[number, parity::2, left : left + 24] = (210, 50, 40)
    return frames


def interlaced_clip(path: Path, order: str = "top", frames: np.ndarray | None = None, **options: str) -> Path:
    """Encoded as a camera does, with an entry point every eight frames."""
    flagged = FrameFilter(("setparams", f"field_mode={ORDERS[order]}:chroma_location=left"))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(25), options={"crf": "4", "g": "8", "x264-params": f"{ORDERS[order]}=1", **options}
        )
        stream.height, stream.width = HEIGHT, WIDTH
        stream.pix_fmt = "yuv420p"
        stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        for number, picture in enumerate(moving_bar() if frames is None else frames):
            frame = flagged(av.VideoFrame.from_ndarray(picture, format="rgb24"))
            frame = frame.reformat(format="yuv420p", src_color_range=2, dst_color_range=1)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(params=["short", "long"])
def length(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Decoded whole, or only at its ends."""
    if request.param == "long":
        monkeypatch.setattr(index, "_CHEAP_PIXELS", 0)
        monkeypatch.setattr(index, "_CHECKED_FRAMES", 12)
    index.INDEXES.clear()
    return request.param


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_fields_is_found_and_kept(tmp_path: Path, length: str, order: str) -> None:
    source = interlaced_clip(tmp_path / "source.mp4", order)
    assert probe(source).field_order == order
    for codec, name in (("h264", "a.mp4"), ("h264", "a.mkv"), ("prores", "a.mov"), ("ffv1", "a.mkv")):
        with open_clip(source) as reader, VideoWriter(tmp_path / name, reader.info, codec=codec) as writer:
            for frame in reader.frames():
                writer.write(frame)
        assert probe(tmp_path / name).field_order == order
        with av.open(str(tmp_path / name)) as container:
            assert all(frame.interlaced_frame for frame in container.decode(video=0))


def test_colour_of_one_field_stays_out_of_the_other(tmp_path: Path) -> None:
    """Taken for whole frames, even lines of one colour and odd ones of another mix."""
    stripes = np.full((3, HEIGHT, WIDTH, 3), (200, 60, 60), np.uint8)
    stripes[:, 1::2] = (60, 60, 200)
    path = interlaced_clip(tmp_path / "0.mp4", frames=stripes)
    for number in range(1, 4):
        target = tmp_path / f"{number}.mp4"
        with open_clip(path) as reader, VideoWriter(target, reader.info) as writer:
            for frame in reader.frames():
                writer.write(frame)
        path = target
    with open_clip(path) as reader:
        assert np.abs(reader.frame(1)[8:-8, 8:-8].astype(int) - stripes[1, 8:-8, 8:-8]).mean() < 5


@pytest.mark.parametrize("codec", ["hevc", "av1", "vp9-alpha"])
def test_what_can_hold_no_fields_says_so_at_once(tmp_path: Path, codec: Codec) -> None:
    source = interlaced_clip(tmp_path / "source.mp4")
    with open_clip(source) as reader, pytest.raises(InputError, match="can't hold interlaced frames: deinterlace the clip"):
        VideoWriter(tmp_path / ("a.webm" if codec == "vp9-alpha" else "a.mp4"), reader.info, codec=codec)
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


@pytest.mark.parametrize("order", ORDERS)
def test_deinterlaced_frames_are_whole_and_the_same_however_they_are_reached(tmp_path: Path, length: str, order: str) -> None:
    source = interlaced_clip(tmp_path / "source.mp4", order)
    with open_clip(source) as plain, open_clip(source, deinterlace=True) as reader:
        frames = np.stack(list(reader.frames()))
        assert (len(frames), reader.info.frames, reader.info.field_order) == (FRAMES, FRAMES, None)
        for number in (17, 3, 8, 9, 0, 23, 16, 7):
            assert np.array_equal(reader.frame(number), frames[number]), number
        assert np.array_equal(np.stack(list(reader.frames(9, 14))), frames[9:14])
        assert reader.entry_points == (0, *(min(at + 1, FRAMES - 1) for at in plain.entry_points[1:]))

        def combs(picture: np.ndarray) -> float:
            return float(np.abs(picture[2:-2:2].astype(int) - (picture[1:-3:2].astype(int) + picture[3:-1:2]) // 2).mean())

        assert combs(frames[10]) < combs(plain.frame(10)) / 4
        # The first field's moment is shown: the even lines', or the odd ones'.
        first = slice(0, None, 2) if order == "top" else slice(1, None, 2)
        assert np.abs(frames[10][first].astype(int) - plain.frame(10)[first]).mean() < 2
        with VideoWriter(tmp_path / "whole.mp4", reader.info) as writer:
            for frame in frames:
                writer.write(frame)
    assert probe(tmp_path / "whole.mp4").field_order is None


def test_whole_frames_stay_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "whole.mkv"
    with VideoWriter(source, VideoInfo(WIDTH, HEIGHT, Fraction(25), 3), codec="ffv1") as writer:
        for frame in moving_bar(3):
            writer.write(frame)
    with open_clip(source, deinterlace=True) as reader:
        assert np.array_equal(np.stack(list(reader.frames())), moving_bar(3))
