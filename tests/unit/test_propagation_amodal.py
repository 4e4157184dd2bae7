"""What the picture's border cuts off is carried on at its own size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.geometry import Box, FrameRange
from core.masks import Feather, MaskSequence
from core.propagation.amodal import AmodalExtent, is_cut
from core.propagation.mask_motion import box_motion, smooth_boxes
from core.propagation.window_keys import window_keys
from core.propagation.windows import plan_windows

HEIGHT, WIDTH = 120, 200


def _clip(shape: str, path: list[tuple[float, float]], radii: list[float]) -> MaskSequence:
    """A disc, a square or a bird-like outline whose middle (x, y) goes along a path."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    masks = []
    for (x, y), radius in zip(path, radii, strict=True):
        dx, dy = (columns - x) / radius, (rows - y) / radius
        if shape == "disc":
            masks.append(dx**2 + dy**2 < 1)
        elif shape == "square":
            masks.append((abs(dx) < 1) & (abs(dy) < 1))
        else:
            masks.append(((dx / 1.0) ** 2 + (dy / 0.5) ** 2 < 1) | ((abs(dx - 0.8) < 0.15) & (abs(dy + 0.5) < 0.5)))
    return MaskSequence((WIDTH, HEIGHT), 0, np.stack(masks))


def _middle(box: Box[float]) -> np.ndarray:
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])


@pytest.mark.parametrize("shape", ["disc", "square", "bird"])
@pytest.mark.parametrize(("to", "growth"), [((200, 60), 1.0), ((0, 62), 1.3), ((100, 120), 0.8), ((196, 118), 1.0)])
def test_what_leaves_the_picture_keeps_its_place_and_size(shape: str, to: tuple[int, int], growth: float) -> None:
    """Out over a side by half, with a growing size, and over a corner."""
    count, radius = 24, 24.0
    along = np.linspace(0, 1, count)
    path = [(100 + share * (to[0] - 100), 60 + share * (to[1] - 60)) for share in along]
    radii = [radius * growth**share for share in along]
    region = _clip(shape, path, radii)
    overhang = AmodalExtent(region)
    whole = overhang.box(0)
    assert whole is not None
    expected = np.array(_middle(whole)) - (100, 60)
    for frame in range(count):
        box = overhang.box(frame)
        assert box is not None
        scale = radii[frame] / radius
        assert np.abs(_middle(box) - path[frame] - scale * expected).max() < 0.12 * 2 * radius, (frame, box)
        assert 0.85 < box.height / whole.height / scale < 1.15, (frame, box)
        assert 0.85 < box.width / whole.width / scale < 1.15, (frame, box)
    steadied = smooth_boxes([overhang.box(frame) for frame in range(count)], (HEIGHT, WIDTH))
    last = steadied[-1]
    assert last is not None
    assert 0.8 < box_motion(whole, last, (HEIGHT, WIDTH))[0, 0] / growth < 1.25


def test_what_comes_in_is_known_from_later_frames() -> None:
    region = _clip("disc", [(-8 + 4 * frame, 60) for frame in range(20)], [20.0] * 20)
    box = AmodalExtent(region).box(0)
    assert box is not None
    assert abs(box.x0 + 28) < 5
    assert abs(box.height - 36) < 4, "its own rows are seen and stay as they are"


@pytest.mark.parametrize("size", [(2, 70), (10, 10), (7, 200), (1, 1)])
def test_a_thin_thing_that_leaves_a_large_picture_is_followed_too(size: tuple[int, int]) -> None:
    height, width = size
    masks = np.zeros((12, 360, 640), bool)
    for frame, mask in enumerate(masks):
        left = 620 - width + 6 * frame
        mask[100 : 100 + height, left : left + width] = True
    overhang = AmodalExtent(MaskSequence((640, 360), 0, masks))
    for frame in range(12):
        box = overhang.box(frame)
        assert box is None or (box.width <= 1.5 * width + 8 and 98 <= box.y0 <= box.y1 <= 102 + height)


def test_a_box_doesn_t_depend_on_which_was_asked_for_before() -> None:
    """One frame where all is seen, among others where something is cut off."""
    path = [(179.0 + 12 * abs(np.sin(0.8 * (frame - 10))), 60 + 2 * np.cos(frame)) for frame in range(20)]
    region = _clip("bird", path, [20 + 0.3 * np.sin(frame) - 2.5 * (frame == 10) for frame in range(20)])
    onward, backward = AmodalExtent(region), AmodalExtent(region)
    assert not is_cut(region, 10)
    assert sum(is_cut(region, frame) for frame in range(20)) > 10
    first = [onward.box(frame) for frame in range(20)]
    assert first == [backward.box(frame) for frame in reversed(range(20))][::-1]


def test_a_side_that_is_known_in_one_frame_only_doesn_t_squeeze() -> None:
    shape = (HEIGHT, WIDTH)
    inside = box_motion(Box(178, 40, 222, 80), Box(178, 40, 200, 80), shape)
    assert np.allclose(inside, np.eye(3))


def test_a_border_is_all_that_is_known_where_nothing_tells_more() -> None:
    """Never seen whole; hidden in between; another outline altogether; nothing there."""
    cut = _clip("disc", [(200, 60)] * 5, [20.0] * 5)
    assert AmodalExtent(cut).box(2) == (181, 41, 200, 80)
    masks = np.stack([_clip("disc", [(100, 60)], [20.0])[0], np.zeros((HEIGHT, WIDTH), bool), cut[0]])
    gap = AmodalExtent(MaskSequence((WIDTH, HEIGHT), 0, masks))
    assert gap.box(1) is None
    assert gap.box(2) == (181, 41, 200, 80)
    other = cv2.dilate(cut[0].astype(np.uint8), np.ones((1, 161), np.uint8)) > 0
    jump = AmodalExtent(MaskSequence((WIDTH, HEIGHT), 0, np.stack([masks[0], other])))
    box = jump.box(1)
    assert box is not None
    assert box.x1 == WIDTH


def test_a_window_s_name_tells_of_masks_far_away_only_where_something_is_cut_off() -> None:
    def names(changed: int | None, last: int) -> list[str]:
        region = _clip("disc", [(min(100 + 5 * frame, last), 60) for frame in range(40)], [20.0] * 40)
        if changed is not None:
            region.set(changed, np.roll(region[changed], 1, 0))
        windows = plan_windows(FrameRange(20, 40), 30, 6, region.is_empty)
        return window_keys(windows, region, Feather(), 30, np.zeros((HEIGHT, WIDTH, 3), np.uint8), {"task": "add"})

    assert not set(names(None, 190)) & set(names(10, 190))
    assert not set(names(None, 150)) & set(names(30, 150)), "the keyframe's own"
    assert names(None, 150) == names(10, 150)
