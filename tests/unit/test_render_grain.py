"""Grain like the surroundings', for what is painted."""

from __future__ import annotations

import numpy as np
import pytest

from core.render.composite import soft_edge
from core.render.grain import add_grain, grain_around
from tests.builders import noise_frames

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
