"""A painted thing is cut out of the background that was painted anew around it."""

from __future__ import annotations

import cv2
import numpy as np

from core.render.cutout import cut_out
from core.render.visible import visible_edit

SIDE = 160


def _scene(colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An edit, its source, the region, and the thing in it: a disc of `colour` on a background that was made up as a mirror image."""
    random = np.random.default_rng(0)
    coarse = random.integers(90, 170, (10, 10, 3)).astype(np.uint8)
    source = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    region, thing = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), np.uint8)
    region[30:130, 30:130] = True
    cv2.circle(thing, (80, 80), 32, 1, -1)
    edited = np.where(region[..., None], source[:, ::-1], source)
    edited = np.where(thing[..., None] > 0, np.array(colour, np.uint8), edited)
    return cv2.GaussianBlur(edited, (0, 0), 1), source, region, thing > 0


def test_a_thing_is_shown_and_what_was_painted_around_it_is_not() -> None:
    edited, source, region, thing = _scene((20, 40, 230))
    shown = visible_edit(edited, source, region)
    around = region & ~(cv2.dilate(thing.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)
    assert shown[around].mean() > 0.2, "the region shows a good deal of made-up background"
    cut = cut_out(edited, region, shown)
    assert cut[around].mean() < 0.03
    assert cut[thing].mean() > 0.95
    assert (cut <= shown).all()
    assert cut.min() >= 0
    np.testing.assert_array_equal(cut, cut_out(edited, region, shown))


def test_what_cannot_be_told_from_its_surroundings_stays_whole() -> None:
    edited, source, region, _ = _scene((20, 40, 230))
    alike = np.where(region[..., None], source[::-1, ::-1], source)
    shown = region.astype(np.float32)
    assert cut_out(alike, region, shown).sum() > 0.3 * shown.sum()
    nothing = np.zeros_like(shown)
    assert cut_out(edited, region, nothing) is nothing
    everywhere = np.ones_like(region)
    assert cut_out(edited, everywhere, shown) is shown, "without surroundings there is nothing to learn them from"
