"""Joins between windows: a jump is found, motion alone is none, and what can't be measured is left
out.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.render.seams import SeamMeter

HEIGHT, WIDTH = 96, 128


def moving_clip(count: int, jump_at: int | None = None, by: int = 30, seed: int = 0) -> list[np.ndarray]:
    """A smooth texture that moves two pixels a frame; from `jump_at` on, `by` levels brighter."""
    texture = np.random.default_rng(seed).integers(0, 200, (HEIGHT, WIDTH + 2 * count, 3)).astype(np.float32)
    texture = cv2.GaussianBlur(texture, (0, 0), 4)
    texture = (texture - texture.min()) / (texture.max() - texture.min()) * 180
    frames = [texture[:, 2 * i : 2 * i + WIDTH] + (by if jump_at is not None and i >= jump_at else 0) for i in range(count)]
    return [frame.astype(np.uint8) for frame in frames]


def measured(frames: list[np.ndarray], borders: set[int], empty: set[int] = frozenset()) -> dict[int, float]:
    meter = SeamMeter(borders)
    region = np.zeros((HEIGHT, WIDTH), bool)
    region[20:76, 24:104] = True
    for index, frame in enumerate(frames):
        meter.see(index, frame, region & (index not in empty))
    return {seam.frame: seam.score for seam in meter.seams()}


def test_motion_alone_is_no_jump() -> None:
    assert measured(moving_clip(12), {5, 9}) == {5: pytest.approx(1, abs=0.35), 9: pytest.approx(1, abs=0.35)}


def test_a_jump_across_the_border_stands_out_and_only_there() -> None:
    scores = measured(moving_clip(12, jump_at=5), {5, 9})
    assert scores[5] > 4
    assert scores[9] < 1.5


def test_a_border_next_to_another_is_compared_with_its_other_side() -> None:
    scores = measured(moving_clip(12, jump_at=5), {5, 6})
    assert scores[5] > 4
    assert scores[6] < 1.5


def test_a_border_without_a_region_beside_it_is_left_out() -> None:
    assert measured(moving_clip(8), {4}, empty={2, 3, 4, 5, 6}) == {}


def test_a_jump_is_put_down_to_its_cause() -> None:
    def cause(frames: list[np.ndarray], lost: int | None = None) -> str:
        meter, region = SeamMeter({5}), np.zeros((HEIGHT, WIDTH), bool)
        region[20:76, 24:104] = True
        for index, frame in enumerate(frames):
            region[48:] &= lost is None or index < lost
            meter.see(index, frame, region.copy())
        (seam,) = meter.seams()
        return seam.cause

    other = moving_clip(12, seed=1)
    assert cause(moving_clip(12, jump_at=5)) == "colour", "all of it is brighter"
    assert cause([*moving_clip(12)[:5], *other[5:]]) == "window", "another picture goes on"
    assert cause([*moving_clip(12)[:5], *other[5:]], lost=5) == "mask", "the mask loses half of the thing there"
    assert cause(moving_clip(12, jump_at=5), lost=4) == "colour", "the mask has lost it before"
