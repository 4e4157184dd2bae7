"""Transparency is kept where the output holds it; animations and deep pictures are understood."""

from __future__ import annotations

import io
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.render.export import write_clip
from core.masks import MaskSequence
from core.media import open_clip, probe, VideoWriter, write_image
from core.media.codecs import AlphaCodec
from core.progress import JobContext
from core.project.video import VideoInfo
from core.render.mattes import SUFFIXES, write_mattes
from tests.builders import counted_frames, read_number

COUNT, WIDTH, HEIGHT = 6, 96, 64
TIMES = [40, 40, 120, 40, 40, 500]


def clear_frames() -> np.ndarray:
    """uint8 (T, H, W, 4): numbered frames whose right quarter is clear, and half clear above."""
    frames = np.dstack([counted_frames(COUNT).reshape(-1, WIDTH, 3), np.full((COUNT * HEIGHT, WIDTH), 255, np.uint8)])
    frames = frames.reshape(COUNT, HEIGHT, WIDTH, 4)
    frames[:, :, 72:, 3], frames[:, :32, 72:, 3] = 0, 128
    return frames


def clip_of(kind: str, folder: Path) -> Path:
    frames = clear_frames()
    if kind == "folder":
        (folder / "clip").mkdir()
        for number, frame in enumerate(frames):
            write_image(folder / "clip" / f"{number}.png", frame)
        return folder / "clip"
    if kind in ("webp", "png"):
        pictures = [Image.fromarray(frame) for frame in frames]
        options = {"lossless": True, "exact": True} if kind == "webp" else {}
        pictures[0].save(folder / f"clip.{kind}", save_all=True, append_images=pictures[1:], duration=TIMES, **options)
        return folder / f"clip.{kind}"
    path = folder / f"clip.{kind}"
    info = VideoInfo(WIDTH, HEIGHT, Fraction(24), COUNT)
    with VideoWriter(path, info, codec="vp9-alpha" if kind == "webm" else "prores-4444") as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.mark.parametrize("kind", ["webm", "mov", "webp", "png", "folder"])
def test_transparency_is_read_and_kept_by_prores_and_png(tmp_path: Path, kind: str) -> None:
    source = clip_of(kind, tmp_path)
    with open_clip(source) as reader:
        assert reader.info.alpha
        assert any("transparent" in remark for remark in reader.info.remarks)
        assert [read_number(frame) for frame in reader.frames()] == list(range(COUNT))
        alphas = np.stack(list(reader.alphas()))
        assert np.abs(alphas.astype(int) - clear_frames()[..., 3])[:, 4:-4, :68].max() <= 8
        assert np.array_equal(np.stack(list(reader.alphas(2, 5))), alphas[2:5])
        for codec, name in (("prores", "a.mov"), ("png", "a.zip")):
            write_clip(reader, (0, COUNT), source, codec, tmp_path / name, JobContext())
        times = reader.timestamps
    with open_clip(tmp_path / "a.mov") as kept:
        assert np.array_equal(np.stack(list(kept.alphas())), alphas)
        assert kept.timestamps == times
    with zipfile.ZipFile(tmp_path / "a.zip") as file, Image.open(io.BytesIO(file.read("00003.png"))) as picture:
        assert np.array_equal(np.asarray(picture)[..., 3], alphas[3])


@pytest.mark.parametrize(("codec", "name", "off"), [("prores-4444", "a.mov", 0.0), ("vp9-alpha", "a.webm", 0.1)])
def test_every_level_of_alpha_stays_over_generations(tmp_path: Path, codec: AlphaCodec, name: str, off: float) -> None:
    levels = (np.arange(WIDTH) * 3 % 256 + np.arange(HEIGHT)[:, None]).astype(np.uint8)
    frame = np.dstack([np.full((HEIGHT, WIDTH, 3), 90, np.uint8), levels])
    for _ in range(3):
        with VideoWriter(tmp_path / name, VideoInfo(WIDTH, HEIGHT, Fraction(24), 1), codec=codec) as writer:
            writer.write(frame)
        with open_clip(tmp_path / name) as reader:
            frame = np.dstack([reader.frame(0), next(iter(reader.alphas()))])
    assert abs(float((frame[..., 3].astype(int) - levels).mean())) <= off


def test_a_cut_out_is_no_less_transparent_than_its_clip(tmp_path: Path) -> None:
    source = clip_of("mov", tmp_path)
    everything = MaskSequence((WIDTH, HEIGHT), 0, [np.ones((HEIGHT, WIDTH), bool)] * COUNT)
    with open_clip(source) as reader:
        write_mattes(tmp_path / f"cut{SUFFIXES['prores']}", "prores", reader, [("all", everything)], (0, COUNT), JobContext())
        with open_clip(tmp_path / "cut.mov") as cut:
            for before, after in zip(reader.alphas(), cut.alphas(), strict=True):
                assert np.abs(before.astype(int) - after).max() <= 3


@pytest.mark.parametrize("kind", ["webp", "png"])
def test_animations_keep_their_own_times(tmp_path: Path, kind: str) -> None:
    with open_clip(clip_of(kind, tmp_path)) as reader:
        assert [round(1000 * stamp) for stamp in reader.timestamps] == [0, 40, 80, 200, 240, 280]
        assert (reader.info.variable_rate, round(1000 * reader.info.length)) == (True, 780)
        assert [read_number(reader.frame(number)) for number in (4, 1, 5, 0)] == [4, 1, 5, 0]


def test_pictures_of_16_bits_are_said_to_be_read_as_8(tmp_path: Path) -> None:
    Image.fromarray(np.full((20, 30), 40_000, np.uint16)).save(tmp_path / "0.png")
    info = probe(tmp_path)
    assert info.bit_depth == 16
    assert "16 bits a channel are read, edited and written as 8" in info.remarks
