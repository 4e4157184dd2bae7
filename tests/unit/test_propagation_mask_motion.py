"""The keyframe carried along the mask's motion."""

from __future__ import annotations

import numpy as np
import pytest

from core.propagation.mask_motion import warp_frames
from tests.builders import noise_frames


def _mask(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    mask = np.zeros((60, 80), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def _warp(keyframe: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return warp_frames(keyframe, start, noise_frames(1, 60, 80, seed=2), end[None])[0]


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (3, -7), (-5, 20)])
def test_a_moved_mask_moves_its_pixels_exactly(dy: int, dx: int) -> None:
    keyframe = noise_frames(1, 60, 80)[0]
    start, end = _mask(20, 40, 30, 50), _mask(20 + dy, 40 + dy, 30 + dx, 50 + dx)
    result = _warp(keyframe, start, end)
    assert (result[end] == keyframe[start]).all()
    assert (result[~end] == noise_frames(1, 60, 80, seed=2)[0][~end]).all()


def test_a_growing_mask_scales_its_pixels() -> None:
    keyframe = np.zeros((60, 80, 3), np.uint8)
    keyframe[20:30, 30:40] = 50
    keyframe[20:30, 35:40] = 250
    result = _warp(keyframe, _mask(20, 30, 30, 40), _mask(10, 30, 20, 40))
    assert (result[12:28, 22:28] == 50).all()
    assert (result[12:28, 32:38] == 250).all()


def test_an_object_that_leaves_the_picture_keeps_its_size() -> None:
    keyframe = noise_frames(1, 60, 80)[0]
    result = _warp(keyframe, _mask(20, 40, 50, 70), _mask(20, 40, 65, 80))
    assert (result[20:40, 65:80] == keyframe[20:40, 50:65]).all()


def test_empty_masks_leave_the_frame_alone() -> None:
    keyframe, empty, some = noise_frames(1, 60, 80)[0], np.zeros((60, 80), bool), _mask(5, 9, 5, 9)
    for start, end in ((empty, some), (some, empty)):
        assert (_warp(keyframe, start, end) == noise_frames(1, 60, 80, seed=2)[0]).all()
