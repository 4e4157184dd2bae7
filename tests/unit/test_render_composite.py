"""The composite: the source outside the region, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from core.masks import feather_alpha
from core.render.composite import composite, difference_outside
from tests.builders import noise_frames


def test_source_where_alpha_is_0_and_edit_where_it_is_1() -> None:
    source, edited = noise_frames(2, 37, 53)
    alpha = np.random.default_rng(1).choice(np.array([0, 0.3, 1], np.float32), (37, 53))
    result = composite(source, edited, alpha)
    assert (result[alpha == 0] == source[alpha == 0]).all()
    assert (result[alpha == 1] == edited[alpha == 1]).all()
    between = alpha == np.float32(0.3)
    exact = source[between] * 0.7 + edited[between] * 0.3
    assert np.abs(result[between] - exact).max() <= 0.501


def test_it_leaves_its_input_alone_and_an_empty_alpha_changes_nothing() -> None:
    source, edited = noise_frames(2, 9, 9)
    before = source.copy()
    result = composite(source, edited, np.zeros((9, 9), np.float32))
    assert (result == before).all()
    result[:] = 0
    assert (source == before).all()


@pytest.mark.parametrize("pixels", [0, 1, 4, 50])
def test_a_feathered_edit_never_leaves_its_mask(pixels: int) -> None:
    source, edited = noise_frames(2, 64, 80)
    mask = np.zeros((64, 80), bool)
    mask[10:40, 0:33] = True
    result = composite(source, edited, feather_alpha(mask, pixels))
    assert difference_outside(source, result, mask) == 0
    assert (result[mask] != source[mask]).any()


def test_the_measurement_finds_a_single_level_in_a_single_channel() -> None:
    source = noise_frames(1, 20, 20)[0]
    mask = np.zeros((20, 20), bool)
    mask[5:10, 5:10] = True
    result = source.copy()
    result[6, 6] = 255 - result[6, 6]
    assert difference_outside(source, result, mask) == 0
    result[5, 10, 2] ^= 1
    assert difference_outside(source, result, mask) == 1
    result[0, 0, 0] = 255 if source[0, 0, 0] < 128 else 0
    assert difference_outside(source, result, mask) == abs(int(result[0, 0, 0]) - int(source[0, 0, 0]))


def test_shapes_have_to_agree() -> None:
    with pytest.raises(ValueError, match="can't blend"):
        composite(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8), np.zeros((4, 4), np.float32))
