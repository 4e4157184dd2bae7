"""Wrong and unusual time stamps in real files come out at true speed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from core.media import open_clip, probe, VideoWriter
from core.media.codecs import Codec
from tests.builders import click_times, counted_frames, read_number, video_file

FRAMES = counted_frames(48)


def copied(source: Path, target: Path, codec: Codec = "h264") -> Path:
    with open_clip(source) as reader, VideoWriter(target, reader.info, timestamps=reader.timestamps, audio_from=source, codec=codec) as out:
        for frame in reader.frames():
            out.write(frame)
    return target


def _without_last(path: Path) -> None:
    """Drop the last picture of an MP4, and keep the lengths of the others."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size][:-1]
        draft = path.with_name(f"draft{path.suffix}")
        with av.open(str(draft), "w") as out:
            copy = out.add_stream_from_template(stream)
            for packet in packets:
                packet.stream = copy
                out.mux(packet)
    draft.replace(path)


def lengths(path: Path) -> tuple[Fraction, Fraction]:
    """Seconds of the stream, and of the last frame."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [(frame.pts, frame.duration) for frame in container.decode(stream)]
        return (frames[-1][0] - frames[0][0] + frames[-1][1]) * stream.time_base, frames[-1][1] * stream.time_base


@pytest.mark.parametrize("stamp", [499, 415, 90], ids=["equal", "equal to an earlier one", "backward"])
def test_one_wrong_stamp_moves_no_other(tmp_path: Path, length: str, stamp: int) -> None:
    pts = [index * 83 + (index * index) % 7 for index in range(24)]
    path = video_file(tmp_path / "wrong.mkv", FRAMES[:24], pts=pts, tick=Fraction(1, 1000), options={"bf": "0"})
    # A block of Matroska begins with its track and its time in the cluster.
    block, wrong = (b"\x81" + time.to_bytes(2, "big") + b"\x00" for time in (pts[7], stamp))
    content = path.read_bytes()
    assert content.count(block) == 1
    path.write_bytes(content.replace(block, wrong))
    with open_clip(path) as reader:
        stamps = [stamp * 1000 for stamp in reader.timestamps]
        assert [read_number(frame) for frame in reader.frames()] == list(range(24))
        assert read_number(reader.frame(17)) == 17
    assert stamps[:7] + stamps[8:] == pts[:7] + pts[8:]
    assert pts[6] < stamps[7] < pts[8]


@pytest.mark.parametrize("name", ["reordered.avi", "reordered.asf"])
def test_reordered_frames_have_their_speed_where_only_decoding_is_timed(tmp_path: Path, length: str, name: str) -> None:
    source = video_file(tmp_path / name, FRAMES, rate=12, options={"g": "12", "bf": "3"}, audio="mp3" if name.endswith("avi") else None)
    with open_clip(source) as reader:
        assert (reader.info.rate, reader.info.variable_rate, reader.info.length) == (12, False, 4)
        assert [read_number(frame) for frame in reader.frames(20, 40)] == list(range(20, 40))
        for number in (40, 13, 12, 30, 0, 47):
            assert read_number(reader.frame(number)) == number
        assert set(reader.entry_points) >= {0, 12, 24, 36}
    target = copied(source, tmp_path / "target.mp4")
    assert lengths(target)[0] == 4
    if name.endswith("avi"):
        with av.open(str(source)) as container:  # the decoder holds frames back, and players show them late
            first = next(container.decode(video=0))
        late = float((first.dts - first.pts) * first.time_base)  # `click_times` counts from the latter
        heard = click_times(target)[1:]
        assert heard == pytest.approx([click - late for click in click_times(source)[-len(heard) :]], abs=0.005)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_the_last_frame_lasts_as_long_as_it_did(tmp_path: Path, codec: Codec, kind: str) -> None:
    source = tmp_path / f"pause.{kind}"
    if kind == "gif":
        pictures = [Image.fromarray(frame) for frame in FRAMES[:12]]
        pictures[0].save(source, save_all=True, append_images=pictures[1:], duration=[100] * 11 + [3000])
    else:
        # A copy that leaves the 13th frame out: MP4 keeps the length of the 12th.
        video_file(source, FRAMES[:13], pts=[*range(0, 120, 10), 410], tick=Fraction(1, 100), options={"bf": "0"})
        _without_last(source)
    info = probe(source)
    assert (info.rate, info.variable_rate, info.last_frame, info.length) == (10, False, 3, Fraction(41, 10))
    target = copied(source, tmp_path / "target.mp4", codec)
    assert lengths(target) == (Fraction(41, 10), 3)
    assert probe(target).last_frame == 3
