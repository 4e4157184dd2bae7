"""Colour by the tags, against the formulas of BT.601, BT.709 and BT.2020 by hand."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from core.errors import InputError
from core.media.color import check_frame, RgbConverter, YuvConverter
from core.project.video import VideoInfo

# Matrix tag -> (H.273 number, Kr, Kb)
STANDARDS = {"smpte170m": (6, 0.299, 0.114), "bt470bg": (5, 0.299, 0.114), "bt709": (1, 0.2126, 0.0722), "bt2020nc": (9, 0.2627, 0.0593)}
COLOURS = [(235, 40, 60), (30, 200, 90), (20, 60, 220), (128, 128, 128), (250, 250, 250), (5, 5, 5), (200, 180, 40)]


def yuv_of(rgb: tuple[int, int, int], matrix: str, full: bool, bits: int = 8) -> list[float]:
    _, kr, kb = STANDARDS[matrix]
    red, green, blue = (value / 255 for value in rgb)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    if full:
        top = 2**bits - 1
        return [luma * top, cb * top + 2 ** (bits - 1), cr * top + 2 ** (bits - 1)]
    scale = 2 ** (bits - 8)
    return [(16 + 219 * luma) * scale, (128 + 224 * cb) * scale, (128 + 224 * cr) * scale]


def flat_frame(levels: list[float], pixel_format: str, matrix: int, color_range: int, size: int = 32) -> av.VideoFrame:
    frame = av.VideoFrame(size, size, pixel_format)
    kind = np.uint16 if "10" in pixel_format else np.uint8
    for plane, level in zip(frame.planes, levels, strict=True):
        plane.update(np.full(plane.buffer_size // kind().itemsize, round(level), kind).tobytes())
    frame.colorspace, frame.color_range = matrix, color_range
    return frame


@pytest.mark.parametrize("matrix", STANDARDS)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("pixel_format", "bits"), [("yuv420p", 8), ("yuv420p10le", 10), ("yuv444p", 8)])
def test_decoded_colour_agrees_with_the_standard(matrix: str, full: bool, pixel_format: str, bits: int) -> None:
    convert = RgbConverter((32, 32), 0)
    for rgb in COLOURS:
        frame = flat_frame(yuv_of(rgb, matrix, full, bits), pixel_format, STANDARDS[matrix][0], 2 if full else 1)
        picture = convert(frame)
        # 8-bit YUV can't hold every RGB; a level of chroma is up to 1.9 levels of blue
        assert np.abs(picture[16, 16].astype(int) - rgb).max() <= (2 if bits == 8 else 1), (rgb, picture[16, 16])
        assert (picture == picture[16, 16]).all()


@pytest.mark.parametrize(("height", "guess"), [(480, "smpte170m"), (720, "bt709"), (1080, "bt709")])
def test_untagged_colour_is_read_as_players_guess(height: int, guess: str) -> None:
    frame = flat_frame(yuv_of((235, 40, 60), guess, full=False), "yuv420p", 2, 0, size=height)
    assert np.abs(RgbConverter((height, height), 0)(frame)[5, 5].astype(int) - (235, 40, 60)).max() <= 2


@pytest.mark.parametrize("matrix", [*STANDARDS, None])
@pytest.mark.parametrize("color_range", ["tv", "pc", None])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_there_and_back_shifts_no_colour(matrix: str | None, color_range: str | None, pixel_format: str) -> None:
    """Edited again and again, even half a level in one direction at each round would show."""
    levels = np.random.default_rng(1).integers(30, 226, (12, 12, 3)).astype(np.uint8)
    picture = levels.repeat(8, 0).repeat(8, 1)
    info = VideoInfo(96, 96, Fraction(24), 1, color_matrix=matrix, color_range=color_range)
    frame = YuvConverter(info, pixel_format)(picture)
    difference = (RgbConverter((96, 96), 0)(frame).astype(int) - picture).reshape(12, 8, 12, 8, 3)[:, 3:5, :, 3:5]
    assert np.abs(difference.mean((0, 1, 2, 3))).max() < 0.3
    assert np.abs(difference).max() <= 3


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", STANDARDS)
def test_written_colour_agrees_with_the_standard(matrix: str, full: bool) -> None:
    info = VideoInfo(32, 32, Fraction(24), 1, color_matrix=matrix, color_range="pc" if full else "tv")
    convert = YuvConverter(info, "yuv420p")
    for rgb in COLOURS:
        frame = convert(np.full((32, 32, 3), rgb, np.uint8))
        levels = [int(np.frombuffer(bytes(plane), np.uint8)[0]) for plane in frame.planes]
        assert np.abs(np.array(levels) - yuv_of(rgb, matrix, full)).max() <= 1, rgb
        assert frame.colorspace == STANDARDS[matrix][0]


def test_a_matrix_swscale_lacks_is_replaced_and_tagged_as_what_was_done() -> None:
    frame = YuvConverter(VideoInfo(32, 32, Fraction(24), 1, color_matrix="gbr"), "yuv420p")(np.zeros((32, 32, 3), np.uint8))
    assert frame.colorspace == 6


def test_a_frame_of_another_shape_or_type_is_named() -> None:
    with pytest.raises(InputError, match=r"\(4, 4, 3\).*6x4"):
        check_frame(np.zeros((4, 4, 3), np.uint8), (6, 4))
    with pytest.raises(InputError, match="float32"):
        check_frame(np.zeros((4, 6, 3), np.float32), (6, 4))
