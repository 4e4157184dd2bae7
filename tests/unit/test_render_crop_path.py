"""The crop that follows what is edited: it holds it on every frame, moves smoothly, and stands
still where it can.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.geometry import Box
from core.render.crop_path import crop_path
from core.render.region import plan_region

SIZE = (854, 480)


@given(
    path=st.lists(st.tuples(st.integers(0, 853), st.integers(0, 479), st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=20),
    working=st.sampled_from([(128, 128), (480, 720)]),
)
@settings(max_examples=100, deadline=None)
def test_every_frame_holds_its_own_box(path: list[tuple[int, int, int, int]], working: tuple[int, int]) -> None:
    boxes = [Box(x, y, min(x + w, 854), min(y + h, 480)) for x, y, w, h in path]
    crops = crop_path(boxes, SIZE, working)
    assert len(crops) == len(boxes)
    for box, crop in zip(boxes, crops, strict=True):
        x0, y0, x1, y1 = crop.inside
        assert min(box[0] - x0, box[1] - y0, x1 - box[2], y1 - box[3]) >= 0
        assert crop.width * working[0] == crop.height * working[1]


def test_what_crosses_the_picture_is_seen_as_large_as_what_stands() -> None:
    boxes = [Box(40 + 40 * t, 200, 80 + 40 * t, 240) for t in range(17)]
    crops = crop_path(boxes, SIZE, (128, 128))
    assert {crop.width for crop in crops} == {plan_region(boxes[:1], SIZE, (128, 128)).width}
    middle = np.array([crop.x + crop.width / 2 for crop in crops])
    assert np.abs(np.diff(middle) - 40).max() <= 1


def test_a_wobbling_mask_is_seen_through_one_still_crop() -> None:
    wobble = np.random.default_rng(0).integers(-4, 5, (17, 2))
    boxes = [Box(300 + int(x), 150 + int(y), 420 + int(x), 290 + int(y)) for x, y in wobble]
    assert len(set(crop_path(boxes, SIZE, (128, 128)))) == 1


def test_frames_without_a_box_take_the_place_of_their_neighbours() -> None:
    boxes = [None, Box(40, 40, 80, 80), None, Box(700, 40, 740, 80), None]
    crops = crop_path(boxes, SIZE, (128, 128))
    assert crops[0].inside.x0 <= 40
    assert crops[-1].inside.x1 >= 740
    with pytest.raises(InputError, match="empty on every frame"):
        crop_path([None, None], SIZE, (128, 128))
