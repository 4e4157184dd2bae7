"""What is and what is no usable video, and how many frames it has, on real files against a plain
full decode.
"""

from __future__ import annotations

import os
import shutil
import signal
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from app.commands import console
from app.commands.cli import main
from core import file_facts
from core.errors import InputError
from core.file_facts import keep_facts_in
from core.media import index, open_clip, probe, write_image, write_png_frame
from core.media.shown import READING
from core.progress import JobContext, ProgressEvent
from core.project.video import AudioInfo, VideoInfo
from tests.builders import counted_frames, index_first, noise_frames, slow_clip, video_file

FRAMES = counted_frames(60)


def plainly_decoded(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(container.streams.best("video")))


def test_a_clip_is_described_in_full(tmp_path: Path) -> None:
    path = video_file(tmp_path / "clip.mp4", FRAMES, rate=Fraction(30000, 1001), tags=(1, 1, 1, 1), audio="aac", rotation=90)
    assert probe(path) == VideoInfo(
        width=64,
        height=96,
        rate=Fraction(30000, 1001),
        frames=60,
        rotation=90,
        codec="h264",
        pixel_format="yuv420p",
        color_primaries="bt709",
        color_transfer="bt709",
        color_matrix="bt709",
        color_range="tv",
        audio=(AudioInfo("aac", 48000, 1),),
        chroma_siting="left",
    )


def test_deep_full_range_and_hdr_are_reported(tmp_path: Path) -> None:
    hdr = probe(video_file(tmp_path / "hdr.mkv", FRAMES[:5], codec="ffv1", pix_fmt="yuv420p10le", tags=(9, 16, 9, 1)))
    assert (hdr.bit_depth, hdr.color_primaries, hdr.color_transfer, hdr.color_matrix) == (10, "bt2020", "smpte2084", "bt2020nc")
    assert probe(video_file(tmp_path / "full.mp4", FRAMES[:5], pix_fmt="yuvj420p")).color_range == "pc"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp4", {"options": {"g": "12", "bf": "3"}}),
        ("open-gop.mp4", {"options": {"g": "12", "bf": "3", "x264-params": "open-gop=1"}}),
        ("stream.ts", {"options": {"g": "12", "bf": "3"}}),
        ("reordered.avi", {"options": {"g": "12", "bf": "3"}}),
        ("bare.h264", {"options": {"g": "12", "bf": "3"}}),
        ("hidden-frames.webm", {"codec": "libvpx", "options": {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"}}),
        ("deep.mkv", {"codec": "ffv1", "pix_fmt": "yuv444p10le"}),
        ("animation.gif", {"codec": "gif", "pix_fmt": "rgb8", "rate": 10}),
    ],
)
def test_the_count_is_what_decoding_gives(tmp_path: Path, length: str, name: str, options: dict) -> None:
    path = video_file(tmp_path / name, FRAMES, **options)
    assert probe(path).frames == plainly_decoded(path) == 60


def test_an_avi_header_that_promises_too_much_is_not_believed(tmp_path: Path, length: str) -> None:
    path = video_file(tmp_path / "clip.avi", FRAMES, codec="mpeg4")
    content = bytearray(path.read_bytes())
    for chunk, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):  # dwTotalFrames, dwLength
        place = content.index(chunk) + offset
        assert int.from_bytes(content[place : place + 4], "little") == 60
        content[place : place + 4] = (61).to_bytes(4, "little")
    path.write_bytes(content)
    assert probe(path).frames == plainly_decoded(path) == 60


def test_frames_an_edit_list_hides_are_not_counted(tmp_path: Path, length: str) -> None:
    whole = video_file(tmp_path / "whole.mp4", FRAMES, options={"g": "12", "bf": "2"})
    with av.open(str(whole)) as source, av.open(str(tmp_path / "cut.mp4"), "w") as cut:
        stream = source.streams.video[0]
        copy = cut.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                packet.pts -= int(5 / 24 / stream.time_base)  # the first five frames end up before time 0
                packet.dts -= int(5 / 24 / stream.time_base)
                packet.stream = copy
                cut.mux(packet)
    assert probe(tmp_path / "cut.mp4").frames == plainly_decoded(tmp_path / "cut.mp4") == 55


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.mp4"])
def test_a_file_cut_in_the_middle_is_used_as_far_as_it_goes(tmp_path: Path, length: str, name: str) -> None:
    whole = video_file(tmp_path / name, FRAMES, options={"g": "12", "movflags": "faststart"})
    if name.endswith("mp4"):  # a fragmented file needs no table at its end
        with av.open(str(whole)) as source, av.open(str(tmp_path / "f.mp4"), "w", options={"movflags": "frag_keyframe+empty_moov"}) as copy:
            stream = copy.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(source.streams.video[0]):
                if packet.size:
                    packet.stream = stream
                    copy.mux(packet)
        whole = tmp_path / "f.mp4"
    content = whole.read_bytes()
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(content[: len(content) * 6 // 10])
    with open_clip(cut) as reader:
        assert 12 <= len(reader) < 60
        assert sum(1 for _ in reader.frames()) == len(reader)


def test_the_picture_is_taken_and_not_the_cover(tmp_path: Path) -> None:
    info = probe(video_file(tmp_path / "clip.mp4", FRAMES, cover=True))
    assert (info.size, info.frames) == ((96, 64), 60)


def test_stamps_of_a_container_that_rounds_are_a_constant_rate(tmp_path: Path) -> None:
    info = probe(video_file(tmp_path / "clip.mkv", FRAMES, rate=Fraction(24000, 1001)))
    assert (info.rate, info.variable_rate) == (Fraction(24000, 1001), False)


def test_a_variable_rate_is_seen_and_averaged(tmp_path: Path) -> None:
    pts = [index * 20 + (index % 7 == 3) * 9 for index in range(60)]
    path = video_file(tmp_path / "clip.mp4", FRAMES, pts=pts, tick=Fraction(1, 600))
    with open_clip(path) as reader:
        assert reader.info.variable_rate
        assert reader.timestamps == tuple(Fraction(tick, 600) for tick in pts)
        assert abs(reader.info.rate - 30) < Fraction(1, 2)


def _sound_only(folder: Path) -> Path:
    video = video_file(folder / "both.mp4", FRAMES[:12], audio="aac")
    with av.open(str(video)) as source, av.open(str(folder / "sound.mp4"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    return folder / "sound.mp4"


def _cover_only(folder: Path) -> Path:
    path = folder / "cover.mp4"
    with av.open(str(_sound_only(folder))) as source, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.audio[0])
        picture = copy.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic
        copy.mux(picture.encode(av.VideoFrame.from_ndarray(noise_frames(1, 64, 64)[0]).reformat(format="yuvj420p")))
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    return path


def _text(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder / name


def _no_frames(folder: Path) -> Path:
    path = folder / "none.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return path


def test_a_download_that_broke_off_says_how_much_is_there(tmp_path: Path) -> None:
    path = index_first(video_file(tmp_path / "whole.mp4", noise_frames(40, 64, 96)))
    whole = probe(path)
    assert (whole.frames, whole.missing, whole.incomplete) == (40, 0, "")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    part = probe(path)
    assert 10 < part.frames < 30
    assert part.frames + part.missing == 40
    assert f"of 40 frames {part.frames} are there" in part.incomplete
    with open_clip(path) as reader:
        assert len(list(reader.frames(0, len(reader)))) == part.frames


def _half(folder: Path) -> Path:
    path = video_file(folder / "whole.mp4", FRAMES)  # its table stands at the end
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _images(folder: Path, sizes: list[int]) -> Path:
    for number, size in enumerate(sizes):
        write_png_frame(folder / "clip", number, noise_frames(1, size, size)[0])
    return folder / "clip"


def _broken_last_image(folder: Path) -> Path:
    clip = _images(folder, [32, 32])
    (clip / "00001.png").write_bytes((clip / "00001.png").read_bytes()[:900])
    return clip


def _single_picture(folder: Path) -> Path:
    write_image(folder / "a.png", noise_frames(1, 32, 32)[0])
    return Path(shutil.copy(folder / "a.png", folder / "a.mp4"))


def _bytes(folder: Path, content: bytes) -> Path:
    (folder / "file.mp4").write_bytes(content)
    return folder / "file.mp4"


def _twice(folder: Path) -> Path:
    clip = _images(folder, [32])
    Image.fromarray(noise_frames(1, 32, 32)[0]).save(clip / "0.jpg")
    return clip


def _empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def _giant(folder: Path) -> Path:
    """A few kilobytes whose frames would take 14 GB."""
    path = video_file(folder / "giant.gif", FRAMES[:3], codec="gif", pix_fmt="rgb8", rate=10)
    path.write_bytes(path.read_bytes().replace(struct.pack("<HH", 96, 64), struct.pack("<HH", 60_000, 60_000), 1))
    return path


def _deep_giant(folder: Path) -> Path:
    """A kilobyte whose frames would take 537 MB each."""
    path = folder / "giant.nut"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=12)
        stream.width, stream.height, stream.pix_fmt = 8192, 8192, "rgba64le"
        container.start_encoding()
        packet = av.Packet(bytes(1000))
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 12)
        container.mux(packet)
    return path


def _broken_animation(folder: Path) -> Path:
    """Its header promises more than there is."""
    first, second = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (64, 48), "blue")
    first.save(folder / "moving.webp", save_all=True, append_images=[second], duration=80)
    data = (folder / "moving.webp").read_bytes()
    (folder / "moving.webp").write_bytes(data[:60])
    return folder / "moving.webp"


def _giant_images(folder: Path) -> Path:
    (folder / "clip").mkdir()
    Image.new("1", (20_000, 10_000)).save(folder / "clip" / "00000.png")
    return folder / "clip"


REJECTED = {
    "text": (lambda folder: _text(folder, "note.mp4", "Take the red car out, please.\n" * 40), "text file"),
    "accents": (lambda folder: _text(folder, "note.mov", "Prière d'effacer la voiture. " * 200), "text file"),
    "terminal art": (lambda folder: _text(folder, "art.ans", "\x1b[31mred\x1b[0m\n" * 50), "text file"),
    "subtitles": (lambda folder: _text(folder, "clip.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n"), "text file"),
    "playlist": (lambda folder: _text(folder, "clip.m3u8", "#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n"), "text file"),
    "list of files": (lambda folder: _text(folder, "list.mp4", "ffconcat version 1.0\nfile 'clip.mp4'\n"), "text file"),
    "sound only": (_sound_only, "only sound"),
    "cover only": (_cover_only, "only a cover"),
    "no frames": (_no_frames, "no frames|cut short"),
    "cut off": (_half, "damaged, cut short"),
    "noise": (lambda folder: _bytes(folder, os.urandom(20000)), "not a video"),
    "empty": (lambda folder: _bytes(folder, b""), "is empty"),
    "missing": (lambda folder: folder / "nowhere.mp4", "no file"),
    "too long a name": (lambda folder: folder / ("x" * 300), "too long"),
    "single picture": (_single_picture, "single picture"),
    "empty folder": (_empty_folder, "no numbered images"),
    "images of two sizes": (lambda folder: _images(folder, [32, 48]), "00001.png is 48x48 but 00000.png is 32x32"),
    "two of one number": (_twice, "two images numbered 0"),
    "giant frames": (_giant, "larger than 67 million pixels"),
    "giant deep frames": (_deep_giant, "64 bits each: scale it down to at most 37 million pixels"),
    "broken animation": (_broken_animation, "can't be decoded"),
    "giant images": (_giant_images, r"00000\.png is too large: save it with at most 134 million pixels"),
    "broken image": (_broken_last_image, "00001.png"),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_what_is_no_usable_video_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    build, words = REJECTED[kind]
    path = build(tmp_path)
    for use in (probe, open_clip):
        with pytest.raises(InputError, match=words) as fault:
            use(path)
        assert "\n" not in str(fault.value)
        assert path.name[-15:] in str(fault.value)


def test_a_changed_file_is_probed_anew(tmp_path: Path) -> None:
    path = video_file(tmp_path / "clip.mp4", FRAMES[:10])
    assert probe(path).frames == 10
    video_file(path, FRAMES[:20])
    assert probe(path).frames == 20


def test_a_folder_is_a_clip_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    pictures = noise_frames(3, 20, 30)
    for number, picture in zip((2, 10, 1), pictures, strict=True):
        write_image(tmp_path / f"shot_{number}.png", picture)
    (tmp_path / "notes.txt").write_text("not a frame")
    with open_clip(tmp_path) as reader:
        assert (reader.info.size, len(reader)) == ((30, 20), 3)
        assert np.array_equal(np.stack(list(reader.frames())), pictures[[2, 0, 1]])


def test_the_number_of_an_image_is_the_one_that_counts_and_gaps_are_said(tmp_path: Path) -> None:
    pictures = noise_frames(3, 20, 30)
    for number, picture in zip((0, 1, 5), pictures, strict=True):
        write_image(tmp_path / f"shot7_{number:04d}_x2.png", picture)
    with open_clip(tmp_path) as reader:
        assert np.array_equal(np.stack(list(reader.frames())), pictures)
        (remark,) = reader.info.remarks
    assert "between number 1 and 5" in remark


def test_a_clip_is_read_through_once_with_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_facts, "_folder", None)
    keep_facts_in(tmp_path / "facts")
    monkeypatch.setattr(index, "_LARGE", 0)
    clip = slow_clip(tmp_path / "slow.webm", frames=300)
    events: list[ProgressEvent] = []
    info = probe(clip, JobContext(events.append))
    assert info.frames == 300
    assert [event.done for event in events if event.stage == READING] == list(range(1, 301))
    index.INDEXES.clear()  # as in the next start of the program
    events.clear()
    assert probe(clip, JobContext(events.append)) == info
    assert {event.stage for event in events} == {index.LOOKING}


def test_ctrl_c_gives_up_reading_a_clip_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show = console.ProgressPrinter.__call__

    def interrupted(printer: console.ProgressPrinter, event: ProgressEvent) -> None:
        show(printer, event)
        if event.done == 40:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(file_facts, "_folder", None)
    monkeypatch.setattr(console.ProgressPrinter, "__call__", interrupted)
    clip = slow_clip(tmp_path / "slow.webm", frames=300)
    words = ["--out", str(tmp_path / "out"), "--workspace", str(tmp_path / "workspace")]
    assert main(["track", str(clip), "--box", "10,10,60,60", *words]) == 130
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"{READING}: 1 of 300")
    assert said[-1] == "stopped"
    assert [path.name for path in tmp_path.iterdir()] == ["slow.webm"]
