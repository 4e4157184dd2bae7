"""Sound, subtitles and chapters of the source in what is written: at their time, in a codec that
the container holds, with their names and channels.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.errors import InputError
from core.media import open_clip, probe, VideoWriter
from core.media.codecs import Codec
from core.media.sound_codecs import encoding_of, may_copy
from core.media.stream_plan import MOST_SILENCE, stream_notes
from core.media.streams import streams_of
from core.project.video import VideoInfo
from tests.builders import click_times, counted_frames, video_file

RATE = 48000
FRAMES = counted_frames(24)


def with_sound(path: Path, codec: str, layout: str = "mono", rate: int = RATE, begins: tuple[float, float] = (0, 0)) -> Path:
    """Two seconds at 12 frames a second with a click at every quarter, loudest in the first
    channel. Picture and sound begin at the seconds `begins`.
    """
    with av.open(str(path), "w") as out:
        picture = out.add_stream("libx264", rate=12)
        picture.height, picture.width, picture.pix_fmt = 64, 96, "yuv420p"
        sound = out.add_stream(codec, rate=rate, layout=layout, options={"strict": "-2"})
        sound.codec_context.open()
        channels = len(av.AudioLayout(layout).channels)
        times = np.arange(2 * rate)
        wave = (0.5 * np.sin(times * 2 * np.pi * 1000 / rate) * (times % (rate // 4) < rate // 100)).astype(np.float32)
        packed = np.stack([wave / (1 + channel) for channel in range(channels)], -1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, round(begins[1] * rate), Fraction(1, rate)
        context = sound.codec_context
        resampler = av.AudioResampler(context.format.name, layout, rate, frame_size=context.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(sound.encode(part))
        out.mux(sound.encode(None))
        for index, one in enumerate(FRAMES):
            shown = av.VideoFrame.from_ndarray(one).reformat(format="yuv420p")
            shown.pts, shown.time_base = index + round(12 * begins[0]), Fraction(1, 12)
            out.mux(picture.encode(shown))
        out.mux(picture.encode(None))
    return path


def clicks(path: Path) -> list[float]:
    """`click_times` without one at the very beginning, of which a codec may keep only the end."""
    return [time for time in click_times(path) if time > 0.02]


def remuxed(source: Path, target: Path, change: Callable[[av.Packet], Any]) -> Path:
    """The same packets; `change` gets those of the sound and returns False for one to leave out."""
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        streams = {one.index: out.add_stream_from_template(one) for one in given.streams}
        for packet in given.demux():
            if packet.size and (packet.stream.type != "audio" or change(packet) is not False):
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return target


def written(source: Path, target: Path, codec: Codec = "h264", span: tuple[int, int] | None = None) -> tuple[str, ...]:
    """Rehearse and write the clip; returns what was said before."""
    with open_clip(source) as reader:
        given = {"timestamps": reader.timestamps, "codec": codec, "audio_from": source, "span": span}
        notes = VideoWriter(target.with_name(f"rehearsed{target.suffix}"), reader.info, **given).rehearse()
        with VideoWriter(target, reader.info, **given) as out:
            for frame in reader.frames(*(span or (0, None))):
                out.write(frame)
    assert not list(target.parent.glob("*rehearsed*"))
    return notes


def sounds(path: Path) -> list[tuple[str, str]]:
    with av.open(str(path)) as container:
        return [(one.codec_context.codec.canonical_name, one.codec_context.layout.name) for one in container.streams.audio]


COMBINATIONS: list[tuple[str, str, str, str, dict[str, tuple[str, str]]]] = [
    # name, encoder, layout, sample format: what MP4, MOV and MKV get
    ("a.mp4", "aac", "stereo", "aac", {"mp4": ("aac", "stereo"), "mov": ("aac", "stereo"), "mkv": ("aac", "stereo")}),
    ("a.mkv", "libmp3lame", "stereo", "mp3", {"mp4": ("mp3", "stereo"), "mov": ("mp3", "stereo"), "mkv": ("mp3", "stereo")}),
    ("a.mkv", "ac3", "5.1(side)", "ac3", {"mp4": ("ac3", "5.1(side)"), "mov": ("ac3", "5.1(side)"), "mkv": ("ac3", "5.1(side)")}),
    ("a.mkv", "eac3", "stereo", "eac3", {"mp4": ("eac3", "stereo"), "mov": ("eac3", "stereo"), "mkv": ("eac3", "stereo")}),
    ("a.mkv", "libopus", "5.1", "opus", {"mp4": ("opus", "5.1"), "mov": ("pcm_s16le", "5.1"), "mkv": ("opus", "5.1")}),
    ("a.mkv", "vorbis", "stereo", "vorbis", {"mp4": ("aac", "stereo"), "mov": ("pcm_s16le", "stereo"), "mkv": ("vorbis", "stereo")}),
    ("a.mkv", "flac", "6.1", "flac", {"mp4": ("flac", "6.1"), "mov": ("pcm_s16le", "6.1"), "mkv": ("flac", "6.1")}),
    ("a.mov", "pcm_s16le", "5.1(side)", "pcm", {"mp4": ("aac", "5.1"), "mov": ("pcm_s16le", "5.1(side)"), "mkv": ("flac", "5.1(side)")}),
    ("a.mov", "pcm_s24le", "4.0", "pcm", {"mp4": ("aac", "4.0"), "mov": ("pcm_s24le", "4.0"), "mkv": ("flac", "4.0")}),
    ("a.mov", "pcm_s16le", "7.1", "pcm", {"mp4": ("aac", "7.1"), "mov": ("pcm_s16le", "7.1"), "mkv": ("flac", "7.1")}),
    ("a.mov", "pcm_s16le", "quad", "pcm", {"mp4": ("flac", "quad"), "mov": ("pcm_s16le", "quad"), "mkv": ("flac", "quad")}),
    ("a.mov", "pcm_mulaw", "mono", "mulaw", {"mp4": ("aac", "mono"), "mov": ("pcm_mulaw", "mono"), "mkv": ("flac", "mono")}),
    ("a.mov", "alac", "stereo", "alac", {"mp4": ("alac", "stereo"), "mov": ("alac", "stereo"), "mkv": ("alac", "stereo")}),
]


@pytest.mark.parametrize(("name", "encoder", "layout", "kind", "kept"), COMBINATIONS, ids=[f"{one[3]}-{one[2]}" for one in COMBINATIONS])
def test_every_container_gets_sound_that_it_holds(
    tmp_path: Path, name: str, encoder: str, layout: str, kind: str, kept: dict[str, tuple[str, str]]
) -> None:
    source = with_sound(tmp_path / name, encoder, layout, 8000 if kind == "mulaw" else RATE)
    before = sounds(source)
    for codec, suffix in (("h264", "mp4"), ("h264", "mov"), ("h264", "mkv")):
        notes = written(source, tmp_path / f"out.{suffix}", codec)  # type: ignore[arg-type]
        assert sounds(tmp_path / f"out.{suffix}") == [kept[suffix]]
        assert bool(notes) == (kept[suffix] != before[0]), notes
        assert clicks(tmp_path / f"out.{suffix}") == pytest.approx(clicks(source), abs=0.003)


@pytest.mark.parametrize(("codec", "suffix"), [("h264", "mp4"), ("prores", "mov"), ("ffv1", "mkv")])
def test_a_stretch_is_copied_in_sync(tmp_path: Path, codec: Codec, suffix: str) -> None:
    """Matroska and QuickTime have their own ways of starting inside a packet."""
    source = with_sound(tmp_path / "a.mkv", "aac")
    assert written(source, tmp_path / f"out.{suffix}", codec, span=(5, 21)) == ()
    wanted = [time - 5 / 12 for time in clicks(source) if 5 / 12 + 0.02 < time < 21 / 12]
    assert [time for time in clicks(tmp_path / f"out.{suffix}") if time < 16 / 12] == pytest.approx(wanted, abs=0.003)


def test_channels_stay_apart_and_in_order(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "a.mov", "pcm_s16le", "5.1(side)")
    for codec, suffix in (("h264", "mp4"), ("ffv1", "mkv")):
        written(source, tmp_path / f"out.{suffix}", codec)  # type: ignore[arg-type]
        with av.open(str(tmp_path / f"out.{suffix}")) as container:
            resampler = av.AudioResampler("flt", container.streams.audio[0].codec_context.layout.name, RATE)
            packed = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        peaks = np.abs(np.concatenate(packed, axis=1).reshape(-1, 6)).max(0)
        wanted = [0.5 / (1 + channel) for channel in range(6) if codec == "ffv1" or channel != 3]  # AAC's LFE is a low-pass
        assert [peak for channel, peak in enumerate(peaks) if codec == "ffv1" or channel != 3] == pytest.approx(wanted, abs=0.03)


def shifted(after: float, seconds: float) -> Callable[[av.Packet], None]:
    def change(packet: av.Packet) -> None:
        if packet.pts * packet.time_base >= after:
            packet.pts += round(seconds / packet.time_base)
            packet.dts += round(seconds / packet.time_base)

    return change


def left_out(since: float, until: float) -> Callable[[av.Packet], bool]:
    return lambda packet: not since <= packet.pts * packet.time_base < until


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("span", [None, (9, 24)])
def test_nothing_is_lost_after_a_gap(tmp_path: Path, suffix: str, span: tuple[int, int] | None) -> None:
    whole = with_sound(tmp_path / "whole.mp4", "aac")
    source = remuxed(whole, tmp_path / "gap.mp4", left_out(0.55, 0.95))
    notes = written(source, tmp_path / f"out.{suffix}", span=span)
    assert "gaps" in notes[0]
    start = span[0] / 12 if span else 0
    wanted = [time - start for time in (0.25, 0.5, 1.0, 1.25, 1.5, 1.75) if time > start]
    assert clicks(tmp_path / f"out.{suffix}") == pytest.approx(wanted, abs=0.005)


def test_a_file_that_starts_again_keeps_all_its_sound(tmp_path: Path) -> None:
    """Two transport streams, one after the other in a file, as recorders make them."""
    once = with_sound(tmp_path / "once.ts", "aac")
    source = tmp_path / "twice.ts"
    source.write_bytes(once.read_bytes() * 2)
    notes = written(source, tmp_path / "out.mp4")
    info = probe(tmp_path / "out.mp4")
    assert "overlap" in notes[0]
    assert (info.frames, sounds(tmp_path / "out.mp4")) == (48, [("aac", "mono")])
    found = clicks(tmp_path / "out.mp4")
    for time in clicks(once):
        assert min(abs(time - one) for one in found) < 0.01
        assert min(abs(2 + time - one) for one in found) < 0.01


@pytest.mark.parametrize("offset", [-0.3, 0.4])
@pytest.mark.parametrize("encoder", ["aac", "flac"])
def test_sound_that_starts_before_or_after_the_picture_stays_in_sync(tmp_path: Path, offset: float, encoder: str) -> None:
    source = with_sound(tmp_path / "late.mkv", encoder, begins=(1, 1 + offset))
    written(source, tmp_path / "out.mp4")
    assert clicks(tmp_path / "out.mp4") == pytest.approx(clicks(source), abs=0.005)
    assert len(clicks(source)) >= 6


def test_the_very_first_sound_is_kept_by_matroska(tmp_path: Path) -> None:
    """The packet before it lets a decoder settle, and is the file's first one."""
    source = with_sound(tmp_path / "source.mkv", "aac")
    written(source, tmp_path / "out.mkv", "ffv1")

    def loudest(path: Path) -> float:
        """Of the first moment of the picture."""
        with av.open(str(path)) as container:
            zero = next(container.decode(video=0)).time
        with av.open(str(path)) as container:
            parts = [frame.to_ndarray()[0, max(0, round((zero - frame.time) * RATE)) :][:400] for frame in container.decode(audio=0)][:3]
        return float(np.abs(np.concatenate(parts)).max())

    assert loudest(tmp_path / "out.mkv") == pytest.approx(loudest(source), abs=0.05)
    assert loudest(source) > 0.4


def test_sound_that_begins_long_after_the_last_picture_is_kept_or_its_loss_said(tmp_path: Path) -> None:
    late = with_sound(tmp_path / "late.mkv", "pcm_s16le", begins=(0, 9))
    assert len(written(late, tmp_path / "out.mp4")) == 1
    assert clicks(tmp_path / "out.mp4") == pytest.approx(clicks(late), abs=0.005)
    too_late = with_sound(tmp_path / "too late.mkv", "pcm_s16le", begins=(0, 3 + int(MOST_SILENCE)))
    said = f"the sound is left out from {MOST_SILENCE} s after the last picture on, as it is silent until then"
    assert said in stream_notes(too_late)
    assert said not in stream_notes(too_late, "matroska"), "the packets are copied there"


def test_names_flags_subtitles_and_chapters_are_kept(tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    with av.open(str(source), "w") as out:
        picture = out.add_stream("libx264", rate=12)
        picture.height, picture.width, picture.pix_fmt = 64, 96, "yuv420p"
        tracks = []
        for language, title, default in (("eng", "Main", False), ("deu", "Kommentar", True)):
            sound = out.add_stream("aac", rate=RATE, layout="mono")
            sound.metadata.update({"language": language, "title": title})
            sound.disposition = av.stream.Disposition.default if default else av.stream.Disposition(0)
            tracks.append(sound)
        texts = out.add_stream("subrip")
        texts.metadata["language"] = "fra"
        texts.codec_context.subtitle_header = b"[Script Info]\n"
        texts.codec_context.time_base = Fraction(1, 1000)
        texts.codec_context.open()
        chapter = {"id": 0, "start": 0, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}}
        out.set_chapters([chapter, {**chapter, "id": 1, "start": 1000, "end": 2000, "metadata": {"title": "two"}}])
        for sound in tracks:
            for start in range(0, 2 * RATE, 1024):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
                out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
        for start, end, line in ((0, 400, b"first"), (700, 1500, b"second")):
            packet = texts.codec_context.encode_subtitle(
                av.subtitles.subtitle.SubtitleSet.create(b"0,0,Default,,0,0,0,," + line, 0, end - start, pts=0)
            )
            packet.stream, packet.time_base, packet.pts, packet.dts, packet.duration = texts, Fraction(1, 1000), start, start, end - start
            out.mux(packet)
        for index, one in enumerate(FRAMES):
            shown = av.VideoFrame.from_ndarray(one).reformat(format="yuv420p")
            shown.pts, shown.time_base = index, Fraction(1, 12)
            out.mux(picture.encode(shown))
        out.mux(picture.encode(None))
    for suffix, codec, texts_kept in (("mp4", "h264", "mov_text"), ("mov", "prores", "mov_text"), ("mkv", "ffv1", "subrip")):
        target = tmp_path / f"out.{suffix}"
        assert written(source, target, codec, span=(6, 24)) == ()  # type: ignore[arg-type]
        with av.open(str(target)) as container:
            found = [(one.metadata.get("language"), one.metadata.get("title") or one.metadata["name"]) for one in container.streams.audio]
            assert found == [("eng", "Main"), ("ger" if suffix == "mov" else "deu", "Kommentar")]
            assert [bool(one.disposition & av.stream.Disposition.default) for one in container.streams.audio] == [False, True]
            text = container.streams.subtitles[0]
            assert (text.codec_context.codec.canonical_name, text.metadata["language"]) == (texts_kept, "fra")
            base = container.chapters()[0]["time_base"]
            chapters = [(float(one["start"] * base), float(one["end"] * base), one["metadata"]["title"]) for one in container.chapters()]
            assert chapters == [(0, 0.5, "one"), (0.5, 1.5, "two")]
            cues = [(float(one.pts * one.time_base), float(one.duration * one.time_base)) for one in container.demux(text) if one.size > 2]
            assert cues == [(pytest.approx(0.2, abs=0.002), pytest.approx(0.8, abs=0.002))]


def with_subtitles(whole: Path, target: Path, subtitles: dict[str, list[bytes]]) -> None:
    """The file with packets of subtitles, by their codecs, one every tenth of a second."""
    with av.open(str(whole)) as given, av.open(str(target), "w") as out:
        streams = {one.index: out.add_stream_from_template(one) for one in given.streams}
        shown = {codec: out.add_mux_stream(codec) for codec in subtitles}
        for packet in given.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
        for codec, packets in subtitles.items():
            for number, data in enumerate(packets):
                line = av.Packet(data)
                line.stream, line.time_base, line.pts, line.dts, line.duration = shown[codec], Fraction(1, 1000), *[100 * number] * 2, 90
                out.mux(line)


def test_what_can_not_be_kept_is_said_before(tmp_path: Path) -> None:
    """Subtitles that are pictures have no place in an MP4."""
    whole = with_sound(tmp_path / "whole.mkv", "pcm_s16le")
    with_subtitles(whole, tmp_path / "pictures.mkv", {"dvbsub": [b"\x20\x00\x0f"]})
    notes = stream_notes(tmp_path / "pictures.mkv")
    assert any("AAC mono" in note for note in notes)
    assert any("subtitles (DVB) are left out" in note for note in notes)
    assert written(tmp_path / "pictures.mkv", tmp_path / "out.mp4") == notes
    assert written(tmp_path / "pictures.mkv", tmp_path / "out.mkv") == ()


def test_subtitles_of_many_bytes_take_no_more_memory_and_no_place_of_text(tmp_path: Path) -> None:
    source = tmp_path / "many.mkv"
    whole = with_sound(tmp_path / "whole.mkv", "aac")
    with_subtitles(whole, source, {"dvbsub": [bytes(6_000_000)] * 6, "dvdsub": [bytes(6_000_000)] * 6, "subrip": [b"word"]})
    pictures, others, text = streams_of(source).subtitles
    assert pictures.cues is None or others.cues is None
    assert [cue.data for cue in text.cues or ()] == [b"word"]
    in_mp4, in_mkv = (stream_notes(source, container) for container in ("mp4", "matroska"))
    assert ["left out: MP4 holds text only" in note for note in in_mp4] == [True, True]
    assert [note.partition(" take ")[2] for note in in_mkv] == ["too much memory, and are left out"]


def test_close_gaps_are_one_and_others_are_kept_apart(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "whole.mp4", "aac")
    later = iter(3000 * (number >= 10) + 3000 * (number >= 12) + 90_000 * (number >= 70) for number in range(100))

    def moved(packet: av.Packet) -> None:
        packet.pts = packet.dts = packet.pts + next(later)  # type: ignore[operator]

    (sound,) = streams_of(remuxed(source, tmp_path / "gaps.mp4", moved)).sounds
    # The first packet lies before time 0.
    ticks = [tuple(round(time * RATE) for time in gap) for gap in sound.gaps]
    assert ticks == [(9 * 1024, 11 * 1024 + 6000), (69 * 1024 + 6000, 69 * 1024 + 96_000)]
    assert not sound.restarts


def test_a_stream_that_the_container_refuses_is_encoded(tmp_path: Path) -> None:
    """MP3 of 11 kHz is no standard sound in MP4, and FFmpeg refuses the header."""
    source = with_sound(tmp_path / "a.mkv", "libmp3lame", "mono", 11025)
    assert may_copy("mp4", "mp3", "mp3float", 1)
    notes = written(source, tmp_path / "out.mp4")
    assert "becomes AAC mono" in notes[0]
    assert sounds(tmp_path / "out.mp4") == [("aac", "mono")]


def test_sound_that_can_not_be_decoded_is_left_out_and_said(tmp_path: Path) -> None:
    """FLAC, by its header, with nothing but zeros in it."""
    whole = with_sound(tmp_path / "whole.mkv", "flac")

    def spoilt(packet: av.Packet) -> None:
        packet.update(bytes(packet.size))

    source = remuxed(whole, tmp_path / "noise.mkv", spoilt)
    assert written(source, tmp_path / "out.mov", "prores") == ("the sound (FLAC) can't be decoded, and is left out",)
    assert probe(tmp_path / "out.mov").audio == ()


@pytest.mark.parametrize(("rate", "wanted"), [(8000, 8000), (1, 8000), (47999, 48000), (192000, 96000), (2**31, 96000)])
def test_aac_gets_a_rate_that_it_knows(rate: int, wanted: int) -> None:
    assert encoding_of("mp4", "stereo", 2, rate, False).rate == wanted


def test_many_channels_are_mixed_down_and_unknown_ones_named() -> None:
    assert encoding_of("mp4", "22.2", 24, RATE, True).layout == "stereo"
    assert encoding_of("mp4", "6 channels", 6, RATE, True).layout == "5.1"


def test_what_can_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    small = VideoInfo(32, 32, Fraction(24), 4)
    with pytest.raises(InputError, match="64"):
        VideoWriter(tmp_path / "a.mp4", small, codec="av1")
    huge = VideoInfo(20000, 16, Fraction(24), 4)
    with pytest.raises(InputError, match="can't be written"):
        VideoWriter(tmp_path / "a.mp4", huge, codec="h264").rehearse()
    for _ in range(6):  # a rehearsal of too few frames fails now and then
        VideoWriter(tmp_path / "a.mp4", VideoInfo(96, 64, Fraction(24), 20), codec="hevc", span=(0, 20)).rehearse()
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_was_written_is_written_the_same_again(tmp_path: Path) -> None:
    source = video_file(tmp_path / "source.mp4", counted_frames(24), audio="aac")
    written(source, tmp_path / "one.mp4")
    written(tmp_path / "one.mp4", tmp_path / "two.mp4")
    assert clicks(tmp_path / "two.mp4") == pytest.approx(clicks(source), abs=0.001)
