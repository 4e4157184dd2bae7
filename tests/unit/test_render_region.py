"""The crop that the model sees: where it lies, and that it comes back to the same place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.geometry import Box
from core.render.region import CropRegion, ENLARGEMENT, plan_region
from tests.builders import noise_frames


def _box_mask(width: int, height: int, box: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


@st.composite
def _frames_and_boxes(draw: st.DrawFn) -> tuple[tuple[int, int], list[Box[int]]]:
    width, height = draw(st.integers(9, 2000)), draw(st.integers(9, 1200))
    boxes = []
    for _ in range(draw(st.integers(1, 3))):
        x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append(Box(x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))))
    return (width, height), boxes


@given(case=_frames_and_boxes(), working=st.sampled_from([(128, 128), (480, 720), (96, 160)]))
@settings(max_examples=200, deadline=None)
def test_a_region_holds_the_masks_has_the_aspect_and_stays_inside_where_it_fits(
    case: tuple[tuple[int, int], list[Box[int]]], working: tuple[int, int]
) -> None:
    (width, height), boxes = case
    region = plan_region(boxes, (width, height), working)
    x0, y0, x1, y1 = region.inside
    assert all(x0 <= box[0] and y0 <= box[1] and box[2] <= x1 and box[3] <= y1 for box in boxes)
    assert region.width * working[0] == region.height * working[1]
    assert region.width >= working[1] // ENLARGEMENT
    if region.width <= width:
        assert 0 <= region.x <= width - region.width
    else:
        assert (x0, x1) == (0, width)
    if region.height <= height:
        assert 0 <= region.y <= height - region.height
    else:
        assert (y0, y1) == (0, height)


def test_a_small_mask_is_enlarged_a_little_and_a_large_one_keeps_context() -> None:
    small = plan_region([Box(400, 200, 410, 210)], (854, 480), (128, 128))
    assert (small.width, small.height) == (64, 64)
    assert (small.x, small.y) == (373, 173)
    large = plan_region([Box(300, 100, 500, 250)], (854, 480), (128, 128))
    assert large.width == 320  # 200 and 30 % on either side


def test_the_union_of_a_window_counts_and_empty_masks_do_not() -> None:
    masks = [_box_mask(854, 480, (100, 100, 150, 150)), np.zeros((480, 854), bool), _box_mask(854, 480, (300, 120, 350, 170))]
    assert plan_region(masks, (854, 480), (128, 128)) == plan_region([Box(100, 100, 350, 170)], (854, 480), (128, 128))
    with pytest.raises(InputError, match="empty on every frame"):
        plan_region([np.zeros((480, 854), bool), None], (854, 480), (128, 128))
    with pytest.raises(InputError, match="outside the frame of 854x480"):
        plan_region([Box(800, 100, 900, 200)], (854, 480), (128, 128))


def test_a_region_at_the_border_is_moved_inside() -> None:
    region = plan_region([Box(840, 470, 854, 480)], (854, 480), (128, 128))
    assert region.inside == (854 - 64, 480 - 64, 854, 480)


def test_it_fits_the_frame_where_the_mask_leaves_room_and_covers_it_where_not() -> None:
    fits = plan_region([Box(200, 40, 600, 440)], (854, 480), (128, 128))
    assert (fits.width, fits.height, fits.y) == (480, 480, 0)
    whole = plan_region([Box(0, 0, 854, 480)], (854, 480), (128, 128))
    assert (whole.width, whole.height) == (854, 854)
    assert whole.inside == (0, 0, 854, 480)


def test_a_frame_smaller_than_the_working_size_is_surrounded_by_its_own_edge() -> None:
    frame = noise_frames(1, 31, 45)[0]
    region = CropRegion(-10, -17, 64, 64, (45, 31), (64, 64))
    crop = region.crop(frame)
    top, left = -region.y, -region.x
    assert (crop[top : top + 31, left : left + 45] == frame).all()
    assert (crop[0, left : left + 45] == frame[0]).all()
    assert (crop[top : top + 31, -1] == frame[:, -1]).all()
    assert not region.crop_mask(np.ones((31, 45), bool))[0].any()  # there is nothing to edit beyond the frame
    back = region.paste(np.zeros_like(frame), crop, np.ones((31, 45), np.float32))
    assert (back == frame).all()


@pytest.mark.parametrize("size", [(853, 479), (854, 480), (128, 128), (127, 301)])
def test_at_its_own_size_a_crop_returns_exactly(size: tuple[int, int]) -> None:
    width, height = size
    frame = noise_frames(1, height, width)[0]
    region = CropRegion(width - 64, height - 64, 64, 64, size, (64, 64))
    assert (region.paste(np.zeros_like(frame), region.crop(frame), np.ones((height, width), np.float32)) == frame).sum() >= 64 * 64 * 3
    alpha = np.zeros((height, width), np.float32)
    alpha[-20:, -20:] = 1
    pasted = region.paste(frame, region.crop(frame), alpha)
    assert (pasted == frame).all()


def test_cutting_averages_and_a_single_pixel_of_mask_survives() -> None:
    frame = np.zeros((512, 512, 3), np.uint8)
    frame[::2] = 200
    region = CropRegion(0, 0, 512, 512, (512, 512), (128, 128))
    assert (region.crop(frame) == 100).all()
    mask = np.zeros((512, 512), bool)
    mask[301, 77] = True
    assert region.crop_mask(mask).nonzero() == (301 // 4, 77 // 4)


def test_the_matrix_says_where_a_pixel_goes() -> None:
    region = CropRegion(100, 40, 256, 256, (640, 360), (128, 128))
    frame = np.zeros((360, 640, 3), np.uint8)
    frame[140:142, 300:302] = 255
    x, y, _ = region.matrix @ (300.5, 140.5, 1)
    assert (round(x, 6), round(y, 6)) == (100, 50)
    assert (region.crop(frame)[..., 0].nonzero()) == (50, 100)


def test_every_masked_source_pixel_lies_under_a_masked_working_pixel() -> None:
    mask = _box_mask(640, 360, (101, 53, 433, 251))
    region = plan_region([mask], (640, 360), (128, 128))
    grid = region.crop_mask(mask)
    rows, columns = mask.nonzero()
    assert grid[(rows - region.y) * 128 // region.height, (columns - region.x) * 128 // region.width].all()


def test_a_frame_of_another_size_is_refused() -> None:
    region = plan_region([Box(0, 0, 9, 9)], (64, 64), (32, 32))
    with pytest.raises(ValueError, match="64x64"):
        region.crop(np.zeros((32, 64, 3), np.uint8))
