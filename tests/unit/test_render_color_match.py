"""Colour carried into the region from its surroundings."""

from __future__ import annotations

import numpy as np
import pytest

from core.render.color_match import LIMIT, match_light, match_surroundings
from tests.builders import noise_frames


def _mask(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height * 3 // 4, width // 3 : width * 2 // 3] = True
    return mask


@pytest.mark.parametrize("size", [(128, 128), (480, 720), (32, 48)])
def test_a_tint_that_the_surroundings_show_is_taken_back(size: tuple[int, int]) -> None:
    source = (noise_frames(1, *size)[0] // 4) + 90
    tint = np.array([9, -14, 3])
    edited = (source + tint).astype(np.uint8)
    result = match_surroundings(edited, source, _mask(*size)).astype(int)
    assert np.abs(result - source)[_mask(*size)].max() <= 1


def test_where_the_surroundings_agree_nothing_changes() -> None:
    source = noise_frames(1, 128, 128)[0]
    edited = source.copy()
    edited[_mask(128, 128)] = (200, 20, 20)
    assert (match_surroundings(edited, source, _mask(128, 128)) == edited).all()


def test_a_spoiled_surrounding_moves_the_region_by_the_limit_at_most() -> None:
    source, edited = np.zeros((128, 128, 3), np.uint8), np.full((128, 128, 3), 128, np.uint8)
    result = match_surroundings(edited, source, _mask(128, 128))
    assert (result[_mask(128, 128)] == 128 - LIMIT).all()


@pytest.mark.parametrize("whole", [True, False])
def test_without_a_ring_nothing_changes(whole: bool) -> None:
    source, edited = noise_frames(2, 64, 64)
    assert (match_surroundings(edited, source, np.full((64, 64), whole)) == edited).all()


def test_the_offset_differs_from_side_to_side() -> None:
    source, edited = np.full((128, 128, 3), 100, np.uint8), np.full((128, 128, 3), 100, np.uint8)
    edited[:, :64] += 10
    edited[:, 64:] -= 10
    result = match_surroundings(edited, source, _mask(128, 128)).astype(int)
    assert np.abs(result[40:88, 43:46] - 100).max() <= 3
    assert np.abs(result[40:88, 82:85] - 100).max() <= 3


@pytest.mark.parametrize(("gain", "offset"), [((1.2, 1.2, 1.2), (0, 0, 0)), ((1, 1, 1), (20, 20, 20)), ((0.8, 0.9, 1.1), (12, -5, 0))])
def test_another_light_is_told_from_the_ring(gain: tuple[float, ...], offset: tuple[float, ...]) -> None:
    """Though some of the ring shows something new, and the region nothing of the source."""
    mask = _mask(128, 128)
    ys, xs = np.mgrid[:128, :128]
    source = np.stack([70 + xs // 2, 60 + ys // 2, 90 + (xs + ys) // 4], -1).astype(np.uint8)
    wanted = source.copy()
    wanted[mask] = (150, 40, 60)
    wanted[60:76, 30:46] = (150, 40, 60)
    edited = np.clip(np.rint(wanted * np.array(gain) + offset), 0, 255).astype(np.uint8)
    result = match_light(edited, source, mask)
    assert np.abs(edited.astype(int) - wanted)[mask].max() > 10
    assert np.abs(result.astype(int) - wanted)[mask].max() <= 2


def test_a_flat_ring_tells_an_offset_and_no_gain() -> None:
    source, edited = np.full((128, 128, 3), 100, np.uint8), np.full((128, 128, 3), 120, np.uint8)
    edited[_mask(128, 128)] = 220
    assert (match_light(edited, source, _mask(128, 128))[_mask(128, 128)] == 200).all()
