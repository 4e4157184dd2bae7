"""Boxes and frame ranges."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.errors import InputError
from core.geometry import Box, FrameRange


def test_a_box_crops_what_lies_inside() -> None:
    array = np.arange(5 * 7 * 3).reshape(5, 7, 3)
    box = Box(2, 1, 6, 4)
    assert (box.width, box.height, box.shape) == (4, 3, (3, 4))
    assert (box.crop(array) == array[1:4, 2:6]).all()
    assert (array[box.slices] == box.crop(array)).all()
    box.crop(array)[:] = -1
    assert (array == -1).sum() == 3 * 4 * 3, "it is a view"


def test_a_box_grows_inside_the_frame_and_shrinks_from_known_sides_only() -> None:
    shape = (50, 80, 3)
    assert Box(10, 5, 20, 15).grow(8, shape) == (2, 0, 28, 23)
    assert Box(70, 40, 80, 48).grow(8, shape) == (62, 32, 80, 50)
    assert Box(0, 10, 20, 50).grow(-3, shape, keep_border=True) == (0, 13, 17, 50)
    assert Box(0, 10, 20, 50).grow(-3, shape) == (3, 13, 17, 47)
    assert Box(10, 5, 14, 15).grow(-2, shape).is_empty


def test_boxes_are_joined_moved_and_clipped() -> None:
    assert Box(3, 4, 5, 6).union(Box(0, 5, 4, 9)) == (0, 4, 5, 9)
    assert Box(3, 4, 5, 6).moved(10, -1) == (13, 3, 15, 5)
    assert Box(-4, -2, 100, 20).clipped((50, 80)) == (0, 0, 80, 20)
    assert Box(90, 0, 100, 20).clipped((50, 80)).is_empty
    assert [Box(*sides).touches_border((50, 80)) for sides in ((0, 1, 5, 5), (1, 0, 5, 5), (1, 1, 80, 5), (1, 1, 5, 50))] == [True] * 4
    assert not Box(1, 1, 79, 49).touches_border((50, 80))


def test_a_frame_range_is_a_pair_in_a_document() -> None:
    frames = FrameRange(3, 8)
    assert (str(frames), list(frames.frames)) == ("3:8", [3, 4, 5, 6, 7])
    assert [frame for frame in range(12) if frames.contains(frame)] == [3, 4, 5, 6, 7]
    assert json.loads(json.dumps({"span": frames})) == {"span": [3, 8]}
    start, stop = frames
    assert (start, stop) == (3, 8)


@pytest.mark.parametrize("frames", [FrameRange(-1, 4), FrameRange(3, 3), FrameRange(4, 2), FrameRange(0, 9)])
def test_a_frame_range_outside_the_clip_is_an_input_error(frames: FrameRange) -> None:
    FrameRange(0, 8).check(8)
    with pytest.raises(InputError, match=f"frames {frames} are not a part of a video of 8 frames"):
        frames.check(8)
