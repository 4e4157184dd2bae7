"""Grain and texture like the surroundings', for what is painted or filled in smoothly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.masks import MaskSequence
from core.render.background import BackgroundModel
from core.render.composite import soft_edge
from core.render.grain import add_grain, grain_around
from tests.builders import FrameList, noise_frames

MASK = np.zeros((120, 160), bool)
MASK[40:80, 50:110] = True


def _grainy(level: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, level, (120, 160, 1))
    return np.clip(np.rint(np.full((120, 160, 3), 120.0) + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("level", [0.0, 2.0, 4.0])
def test_what_is_painted_gets_the_grain_that_is_around_it(level: float) -> None:
    source = _grainy(level)
    painted = np.where(MASK[..., None], np.uint8(90), source)
    found = grain_around(painted, MASK, np.where(MASK[..., None], np.uint8(90), _grainy(level, 1)))
    result = add_grain(painted, MASK.astype(np.float32), found, (3, 7))
    inside, outside = result[50:70, 60:100].std(), source[:30].std()
    assert abs(inside - outside) < max(0.3 * outside, 0.5)
    assert (result[~MASK] == source[~MASK]).all()
    assert (result == add_grain(painted, MASK.astype(np.float32), found, (3, 7))).all()
    if level:
        assert (result != add_grain(painted, MASK.astype(np.float32), found, (3, 8))).any()


def test_a_fill_has_the_texture_of_its_surroundings_and_it_moves_with_them() -> None:
    rough = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 40, (160, 260)), (0, 0), 0.8)
    ground = np.clip(120 + rough, 0, 255).astype(np.uint8)[..., None].repeat(3, -1)
    frames = np.stack([ground[:, 2 * t : 2 * t + 180] for t in range(4)])  # the camera moves, what is hidden stays hidden
    masks = np.zeros(frames.shape[:3], bool)
    for t in range(4):
        masks[t, 50:110, 70 - 2 * t : 130 - 2 * t] = True
    frames[masks] = 255
    backdrop = BackgroundModel(FrameList(frames), MaskSequence((180, 160), 0, masks))
    backdrop.prepare(range(4))
    filled = [backdrop.inpaint(t, frames[t]).astype(float) for t in range(4)]
    middles = [filled[t][65:95, 85 - 2 * t : 115 - 2 * t, 0] for t in range(4)]
    assert 0.4 * rough.std() < middles[0].std() < 1.1 * rough.std()
    assert np.corrcoef(middles[0].ravel(), middles[3].ravel())[0, 1] > 0.8
    again = BackgroundModel(FrameList(frames), MaskSequence((180, 160), 0, masks))
    again.prepare(range(4))
    assert (again.inpaint(3, frames[3]) == filled[3]).all()  # whether or not frames before it were filled in this run


def test_a_small_region_is_not_softened_away() -> None:
    small = np.zeros((60, 60), bool)
    small[24:36, 24:36] = True
    assert (soft_edge(small, 20) == 1).sum() >= 36
    assert (soft_edge(small, 20)[~small] == 0).all()
    assert np.allclose(soft_edge(MASK, 4), soft_edge(MASK, 4.0))
    assert 0 < soft_edge(MASK, 4)[40, 80] < soft_edge(MASK, 4)[42, 80] < 1 == soft_edge(MASK, 4)[45, 80]
    assert not soft_edge(np.zeros((5, 5), bool), 4).any()


def test_noise_all_over_is_no_grain() -> None:
    assert grain_around(noise_frames(1, 120, 160)[0], MASK) == 0
