"""Masks go out in every form and come back as the objects they were."""

import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from builders import counted_frames, disc_clip, video_file
from PIL import Image

from app.commands.parser import MATTES
from core.errors import InputError
from core.masks import MaskSequence, write_mask
from core.masks.importing import import_masks, ImportedObject, masks_from_frames
from core.media import open_clip, probe, VideoWriter
from core.media.codecs import AlphaCodec, Codec
from core.progress import JobContext
from core.project.video import VideoInfo
from core.render.mattes import FORMS, MatteForm, SUFFIXES, write_mattes

FRAMES, SIZE, SPAN = 5, (160, 120), (1, 5)


def shape(frame: int, left: int) -> np.ndarray:
    mask = np.zeros((120, 160), bool)
    mask[30 + frame : 70 + frame, left : left + 40] = True
    return mask


def objects() -> list[tuple[str, MaskSequence]]:
    return [(name, MaskSequence(SIZE, 0, [shape(f, left) for f in range(FRAMES)])) for name, left in (("a/b", 20), ("the other", 90))]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disc_clip(tmp_path_factory.mktemp("clip") / "disc.mp4", frames=FRAMES)


def written(tmp_path: Path, clip: Path, form: MatteForm) -> Path:
    path = tmp_path / f"masks{SUFFIXES[form]}"
    with open_clip(clip) as reader:
        write_mattes(path, form, reader, objects(), SPAN, JobContext())
    return path


def back(path: Path, at: int = 0) -> tuple[ImportedObject, ...]:
    return import_masks(path, SIZE, FRAMES, SPAN, at).objects


@pytest.mark.parametrize("form", ["png", "ids"])
def test_pictures_in_a_zip_come_back_as_the_same_objects(tmp_path: Path, clip: Path, form: MatteForm) -> None:
    found = back(written(tmp_path, clip, form))
    assert [one.frames for one in found] == [(1, 2, 3, 4)] * 2
    for one, (_, masks) in zip(found, objects(), strict=True):
        assert all((one.masks[frame] == masks[frame]).all() for frame in range(*SPAN))
    assert form == "ids" or [one.name for one in found] == ["a_b", "the other"]


def test_a_matte_video_comes_back_as_one_object(tmp_path: Path, clip: Path) -> None:
    with open_clip(written(tmp_path, clip, "matte")) as reader:
        (found,) = masks_from_frames(lambda: reader.frames(), SPAN[0], SIZE, FRAMES, "matte").objects
    union = shape(2, 20) | shape(2, 90)
    assert (found.masks[2] ^ union).mean() < 0.01
    assert found.frames == (1, 2, 3, 4)


@pytest.mark.parametrize("form", ["webm", "prores"])
def test_cut_outs_carry_alpha_colour_and_time(tmp_path: Path, clip: Path, form: MatteForm) -> None:
    path = written(tmp_path, clip, form)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        # FFmpeg's own decoder of VP9 leaves alpha out
        context = av.CodecContext.create("libvpx-vp9", "r") if form == "webm" else stream.codec_context
        frames = [frame for packet in container.demux(stream) for frame in context.decode(packet if packet.dts is not None else None)]
        assert stream.average_rate == 24
    assert len(frames) == 4
    picture = frames[1].to_ndarray(format="rgba").astype(int)
    mask = shape(2, 20) | shape(2, 90)
    assert np.abs(picture[..., 3] - 255 * mask)[10:-10, 10:-10].mean() < 3
    with open_clip(clip) as reader:
        source = reader.frame(2).astype(int)
    inside = shape(2, 20)
    inside[:36], inside[66:], inside[:, :26], inside[:, 54:] = False, False, False, False
    assert np.abs(picture[..., :3] - source)[inside].mean() < 6


@pytest.mark.parametrize("form", ["matte", "webm", "prores", "green"])
@pytest.mark.parametrize("siting", ["left", "center"])
def test_videos_keep_the_shape_of_pixels_the_tags_and_the_times(tmp_path: Path, form: MatteForm, siting: str) -> None:
    pts = [0, 40, 100, 120, 200]
    source = video_file(
        tmp_path / "source.mp4",
        counted_frames(FRAMES, *SIZE),
        pts=pts,
        tick=Fraction(1, 1000),
        tags=(9, 16, 9, 1),
        pixel_aspect=Fraction(5, 4),  # WebM rounds others
        options={"chroma_sample_location": siting, "bf": "0"},
    )
    with open_clip(source) as reader, open_clip(written(tmp_path, source, form)) as cut:
        for fact in ("size", "pixel_aspect", "color_primaries", "color_transfer", "color_matrix", "color_range", "variable_rate"):
            assert getattr(cut.info, fact) == getattr(reader.info, fact), fact
        assert cut.info.chroma_siting in (("left", None) if form == "prores" else (siting,))
        assert [round(stamp * 1000) for stamp in cut.timestamps] == [stamp - pts[1] for stamp in pts[1:]]


@pytest.mark.parametrize("size", [(720, 480), (250, 200), (500, 260), (64, 64), (33, 51)])
@pytest.mark.parametrize("aspect", [Fraction(16, 11), Fraction(8, 9), Fraction(5)])
def test_webm_and_matroska_keep_any_shape_of_pixels(tmp_path: Path, size: tuple[int, int], aspect: Fraction) -> None:
    written: tuple[tuple[str, Codec | AlphaCodec, int], ...] = (("a.webm", "vp9-alpha", 4), ("a.mkv", "ffv1", 3), ("b.mkv", "prores", 3))
    for name, codec, channels in written:
        with VideoWriter(tmp_path / name, VideoInfo(*size, Fraction(24), 1, pixel_aspect=aspect), codec=codec) as writer:
            writer.write(np.zeros((size[1], size[0], channels), np.uint8))
        assert abs(probe(tmp_path / name).pixel_aspect / aspect - 1) < 1 / min(size), name


def test_on_green_only_the_objects_are_left(tmp_path: Path, clip: Path) -> None:
    with open_clip(written(tmp_path, clip, "green")) as reader, open_clip(clip) as source:
        assert len(reader) == 4
        assert np.abs(reader.frame(0)[5, 5].astype(int) - (0, 177, 64)).max() < 8
        assert np.abs(reader.frame(0)[50, 40].astype(int) - source.frame(1)[50, 40]).max() < 16


def test_masks_of_other_programs(tmp_path: Path) -> None:
    single = tmp_path / "frame.png"
    write_mask(single, shape(0, 20))
    (one,) = back(single, at=3)
    assert (one.name, one.frames) == ("frame", (3,))
    assert (one.masks[3] == shape(0, 20)).all()

    coloured = np.zeros((240, 320, 3), np.uint8)  # twice the size
    coloured[:100, :100], coloured[100:200, 200:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(coloured).save(tmp_path / "colours.png")
    first, second = back(tmp_path / "colours.png")
    assert {first.masks[0].sum(), second.masks[0].sum()} == {50 * 50, 50 * 60}

    picture = np.zeros((120, 160, 4), np.uint8)
    picture[..., :3], picture[:60, :, 3] = 90, 255
    Image.fromarray(picture).save(tmp_path / "cut.png")
    assert back(tmp_path / "cut.png")[0].masks[0].sum() == 60 * 160

    numbered = tmp_path / "numbers"
    numbered.mkdir()
    labels = np.zeros((120, 160), np.uint8)
    labels[:10], labels[10:30], labels[30:60] = 1, 2, 255
    palette = Image.fromarray(labels)
    palette.putpalette([value for index in range(256) for value in (index, 0, 0)])
    for frame in (0, 4):
        palette.save(numbered / f"shot_{frame:03d}.png")
    assert [(one.frames, int(one.masks[4].sum())) for one in back(numbered)] == [((0, 4), 1600), ((0, 4), 3200)]


def test_the_command_line_knows_every_form() -> None:
    assert {"png", *MATTES} == set(FORMS)


def test_what_does_not_fit_is_named(tmp_path: Path, clip: Path) -> None:
    write_mask(tmp_path / "square.png", np.ones((64, 64), bool))
    with pytest.raises(InputError, match=r"square\.png.*another shape"):
        back(tmp_path / "square.png")
    write_mask(tmp_path / "empty.png", np.zeros((120, 160), bool))
    with pytest.raises(InputError, match="all empty"):
        back(tmp_path / "empty.png")
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(InputError, match=r"words\.png"):
        back(tmp_path / "words.png")
    with zipfile.ZipFile(tmp_path / "late.zip", "w") as file:
        for number in (1, 99):
            file.write(tmp_path / "empty.png", f"{number:05d}.png")
        file.writestr("../../readme.txt", "no mask")
    with pytest.raises(InputError, match="frame 99"):
        back(tmp_path / "late.zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as file:
        file.writestr("readme.txt", "no mask")
    with pytest.raises(InputError, match="no pictures"):
        back(tmp_path / "none.zip")
    with open_clip(clip) as reader, pytest.raises(InputError, match=", ".join(FORMS)):
        write_mattes(tmp_path / "x.mp4", "gif", reader, objects(), SPAN, JobContext())  # type: ignore[arg-type]
