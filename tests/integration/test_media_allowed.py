"""Only regular files are opened, and FFmpeg uses what is on the list and nothing else."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from app.render.mask_files import read_masks
from app.render.recipe import Recipe
from core.errors import InputError
from core.media import open_clip, probe, read_image
from core.media.allowed import AUDIO_DECODERS, DEMUXERS, VIDEO_DECODERS
from core.media.images import image_size
from core.project.video import VideoInfo
from tests.builders import counted_frames, video_file

ROOT = Path(__file__).resolve().parents[2]

INFO = VideoInfo(96, 64, 24, 8)  # type: ignore[arg-type]
OPENERS: dict[str, Callable[[Path], object]] = {
    "probe": probe,
    "open_clip": open_clip,
    "picture": read_image,
    "size of a picture": image_size,
    "recipe": Recipe.load,
    "masks": lambda path: read_masks(path, INFO, (0, 8), 0),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.skipif(os.name != "posix", reason="named pipes lie in folders on POSIX only")
def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path, opener: str) -> None:
    """Opening the pipe would wait for a writer, which never comes; the device never ends."""
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero")):
        with pytest.raises(InputError, match="device or a pipe"):
            OPENERS[opener](path)


@pytest.mark.parametrize("container", ["wtv", "gxf"])
def test_a_format_that_is_not_on_the_list_is_refused(tmp_path: Path, container: str) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        for frame in counted_frames(3, 720, 576):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame).reformat(format="yuv420p")))
        out.mux(stream.encode())
    assert av.open(str(path)).format.name.split(",")[0] not in DEMUXERS
    with pytest.raises(InputError, match="unknown kind"):
        probe(path)


def test_a_codec_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    path = video_file(tmp_path / "clip.avi", counted_frames(3), codec="asv1")
    with pytest.raises(InputError, match="no video that can be decoded"):
        probe(path)


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n\0\1\2",
        b"ffconcat version 1.0\nfile clip.mp4\n",
        b"ffconcat version 1.0\nfile clip.mp4\n#\0\1\2\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n\0\1",
    ],
)
@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.ffconcat"])
def test_a_list_of_other_files_is_never_followed(tmp_path: Path, content: bytes, name: str) -> None:
    video_file(tmp_path / "clip.mp4", counted_frames(3))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        probe(tmp_path / name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["concat:clip.mp4", "subfile,,start,0,end,0,,:clip.mp4", "http://127.0.0.1:9/a.mp4", "hls+file:clip.mp4"])
def test_a_protocol_in_a_name_means_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    video_file(tmp_path / "clip.mp4", counted_frames(3))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no file"):
        probe(name)


def test_the_lists_name_what_this_build_has() -> None:
    assert {"mov", "matroska", "avi", "mpegts"} <= set(DEMUXERS)
    for name in ("h264", "hevc", "vp9", "prores", "ffv1"):
        assert av.Codec(name, "r").name in VIDEO_DECODERS
    for name in ("av1", "vp8"):
        assert av.Codec(name, "r").name in VIDEO_DECODERS
    for name in ("aac", "mp3", "ac3", "opus", "vorbis", "flac", "alac", "pcm_s16le", "pcm_mulaw"):
        assert av.Codec(name, "r").name in AUDIO_DECODERS


def test_nothing_else_opens_a_media_file() -> None:
    """`av.open` for reading stands in one place, so that no other forgets the lists."""
    found = []
    for folder in ("app", "core", "ui_components"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "av.open":
                    written = any(isinstance(word, ast.Constant) and word.value == "w" for word in node.args)
                    found += [] if written else [str(path.relative_to(ROOT))]
    assert found == ["core/media/source.py"]
