"""Every frame by its index, in any order, from any thread, on real files."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, InputError
from core.media import ClipReader, open_clip, write_png_frame
from core.media import reader as reader_module
from core.media.cursor import Cursor
from core.progress import JobContext
from tests.builders import counted_frames, noise_frames, read_number, video_file

COUNT = 60
CLIPS = {
    "long-group.mp4": {"options": {"g": "250", "bf": "3"}},
    "closed.mp4": {"options": {"g": "12", "bf": "3"}},
    "open.mkv": {"options": {"g": "12", "bf": "3", "x264-params": "open-gop=1"}},
    "stream.ts": {"options": {"g": "12", "bf": "2"}},
    "unstamped.avi": {"options": {"g": "12", "bf": "2"}},
    "bare.h264": {"options": {"g": "12", "bf": "2"}},
    "hidden.webm": {"codec": "libvpx", "options": {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"}},
    "late.mkv": {"pts": [500 + index for index in range(COUNT)]},
    "mpeg2.mpg": {"codec": "mpeg2video", "rate": 25, "options": {"g": "12", "bf": "2", "b": "2M"}},
    "cover.mp4": {"cover": True},
}


@pytest.fixture(scope="module", params=CLIPS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video_file(tmp_path_factory.mktemp("clips") / request.param, counted_frames(COUNT), **CLIPS[request.param])


def test_any_order_gives_the_frames_that_going_forwards_gives(clip: Path) -> None:
    with open_clip(clip) as reader:
        forwards = list(reader.frames())
        assert [read_number(frame) for frame in forwards] == list(range(COUNT))
        assert {(frame.shape, frame.dtype.name, frame.flags.c_contiguous) for frame in forwards} == {((64, 96, 3), "uint8", True)}
        for index in [COUNT - 1, 0, 31, 12, 11, 13, *range(COUNT - 1, -1, -4), *range(0, COUNT, 7)]:
            assert np.array_equal(reader.frame(index), forwards[index]), index
        for start, stop in ((0, 1), (11, 14), (40, COUNT), (COUNT - 1, COUNT)):
            span = list(reader.frames(start, stop))
            assert len(span) == stop - start
            assert all(np.array_equal(a, b) for a, b in zip(span, forwards[start:stop], strict=True))


def test_entry_points_come_while_the_decoder_is_busy(clip: Path) -> None:
    with open_clip(clip) as reader:
        entries = reader.entry_points
        known = {"long-group.mp4": (0,), "hidden.webm": (0, 12, 24, 36, 48)}
        assert entries == known.get(clip.name, tuple(sorted({0, *entries})))
        shown = [reader.preview(index, 48) for index in entries]
        assert isinstance(reader, reader_module.VideoReader)
        with reader._lock:  # somebody is on the way through a long group of pictures
            leaps = [reader.preview(index, 48) for index in reversed(entries)]
        assert all(np.array_equal(a, b) for a, b in zip(shown, reversed(leaps), strict=True))


def test_a_frame_belongs_to_who_asked_for_it(clip: Path) -> None:
    with open_clip(clip) as reader:
        first = reader.frame(3)
        kept = first.copy()
        first[:] = 0
        assert np.array_equal(reader.frame(3), kept)


def test_many_threads_read_at_once(clip: Path) -> None:
    with open_clip(clip) as reader, ThreadPoolExecutor(6) as pool:
        asked = [*np.random.default_rng(0).integers(0, COUNT, 60)]
        spans = pool.map(lambda start: [read_number(frame) for frame in reader.frames(start, start + 10)], range(0, 50, 10))
        assert list(pool.map(lambda index: read_number(reader.frame(int(index))), asked)) == asked
        assert [number for span in spans for number in span] == list(range(50))


def test_what_is_kept_for_going_back_is_bounded(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_CACHE_BYTES", 100_000)
    with open_clip(clip) as reader:
        assert isinstance(reader, reader_module.VideoReader)
        for index in (*range(COUNT), *range(COUNT - 1, -1, -9)):
            assert read_number(reader.frame(index)) == index
            held = sum(plane.buffer_size for frame in reader._cache.values() for plane in frame.planes)
            assert held <= 100_000


@pytest.mark.parametrize("use", [lambda clip: clip.frame(60), lambda clip: clip.frame(-1), lambda clip: clip.frames(10, 61)])
def test_a_frame_that_is_not_there_is_named(clip: Path, use) -> None:
    with open_clip(clip) as reader, pytest.raises(InputError, match=r"60|61|-1"):
        use(reader)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_clip_stands_upright(tmp_path: Path, rotation: int) -> None:
    plain = video_file(tmp_path / "plain.mp4", counted_frames(6))
    turned = video_file(tmp_path / "turned.mp4", counted_frames(6), rotation=rotation)
    with open_clip(plain) as upright, open_clip(turned) as reader:
        assert reader.info.rotation == rotation
        for index in (0, 5):
            expected = np.rot90(upright.frame(index), -rotation // 90)
            assert np.array_equal(reader.frame(index), expected)
            assert reader.frame(index).shape == (reader.info.height, reader.info.width, 3)


def test_damage_in_the_middle_costs_frames_but_not_the_clip(tmp_path: Path) -> None:
    path = video_file(tmp_path / "clip.ts", counted_frames(COUNT), options={"g": "12"})
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 1500] = bytes(1500)
    path.write_bytes(content)
    with open_clip(path) as reader:
        assert len(reader) > COUNT // 2
        assert sum(1 for _ in reader.frames()) == len(reader)
        assert read_number(reader.frame(len(reader) - 1)) == COUNT - 1


def test_a_frame_the_index_promised_but_damage_swallowed_is_stood_in_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a long clip damage far from both ends is met only when it is read: the person loses a
    frame, not the job.
    """
    monkeypatch.setattr("core.media.index._CHEAP_PIXELS", 0)
    monkeypatch.setattr("core.media.index._CHECKED_FRAMES", 5)
    path = video_file(tmp_path / "clip.mp4", counted_frames(COUNT), codec="png", pix_fmt="rgb24")
    content = bytearray(path.read_bytes())
    places = [place for place in range(len(content)) if content.startswith(b"\x89PNG", place)]
    content[places[30] : places[31]] = bytes(places[31] - places[30])
    path.write_bytes(content)
    with open_clip(path) as reader:
        assert len(reader) == COUNT
        numbers = [read_number(frame) for frame in reader.frames()]
        assert numbers == [*range(30), 29, *range(31, COUNT)]
        assert read_number(reader.frame(31)) == 31


def test_a_folder_reads_like_a_video(tmp_path: Path) -> None:
    pictures = noise_frames(5, 24, 32)
    for index, picture in enumerate(pictures):
        write_png_frame(tmp_path, index, picture)
    with open_clip(tmp_path) as reader:
        assert isinstance(reader, ClipReader)
        assert np.array_equal(reader.frame(4), pictures[4])
        assert np.array_equal(np.stack(list(reader.frames(1, 4))), pictures[1:4])
        with pytest.raises(InputError, match="5"):
            reader.frame(5)
        with pytest.raises(InputError, match="2:9"):
            reader.frames(2, 9)
        (tmp_path / "00003.png").write_bytes(b"gone bad")
        with pytest.raises(InputError, match=r"00003\.png"):
            reader.frame(3)


class Impatient(JobContext):
    """Gone after twenty looks at whether it still waits."""

    checks = 0

    def check(self) -> None:
        self.checks += 1
        if self.checks > 20:
            self.token.cancel()
        super().check()


def test_the_way_to_a_frame_ends_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    path = video_file(tmp_path / "one group.mp4", counted_frames(90), options={"g": "90", "bf": "0", "sc_threshold": "0"})
    with open_clip(path) as reader:
        for width, read in ((None, reader.frame), (96, lambda index: reader.preview(index, 96))):
            impatient = Impatient()
            with pytest.raises(Cancelled):
                reader.prefetch(80, width, impatient)
            assert impatient.checks == 21, "not a frame more is decoded"
            reader.prefetch(5, width, JobContext())
            assert read_number(read(5)) == 5
            reader.close()


def test_a_closed_clip_lets_go_of_its_decoders_at_once(tmp_path: Path) -> None:
    path = video_file(tmp_path / "clip.mp4", counted_frames(6))
    gc.collect()
    gc.disable()  # what waits for it keeps threads and frames
    try:
        with open_clip(path) as reader:
            reader.frame(3)
            assert len(list(islice(reader.frames(1), 2))) == 2
            assert any(isinstance(one, Cursor) for one in gc.get_objects())
        assert not any(isinstance(one, Cursor) for one in gc.get_objects())
    finally:
        gc.enable()
