"""A painted thing is cut out of the background that was painted anew around it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from core.models.vocabulary import read_vocabulary
from core.render.edit_alpha import edit_alpha
from core.render.object_mattes import matte_objects

SIDE = 160


def _scene(colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An edit, its source, the region, and the thing in it: a disc of `colour` on a background that
    was made up as a mirror image.
    """
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
    shown = edit_alpha(edited, source, region)
    around = region & ~(cv2.dilate(thing.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)
    assert shown[around].mean() > 0.2, "the region shows a good deal of made-up background"
    cut = matte_objects(edited, region, shown)
    assert cut[around].mean() < 0.03
    assert cut[thing].mean() > 0.95
    assert (cut <= shown).all()
    assert cut.min() >= 0
    np.testing.assert_array_equal(cut, matte_objects(edited, region, shown))


def test_what_cannot_be_told_from_its_surroundings_stays_whole() -> None:
    edited, source, region, _ = _scene((20, 40, 230))
    alike = np.where(region[..., None], source[::-1, ::-1], source)
    shown = region.astype(np.float32)
    assert matte_objects(alike, region, shown).sum() > 0.3 * shown.sum()
    nothing = np.zeros_like(shown)
    assert matte_objects(edited, region, nothing) is nothing
    everywhere = np.ones_like(region)
    assert matte_objects(edited, everywhere, shown) is shown, "without surroundings there is nothing to learn them from"


def test_a_hollow_shows_the_source_and_not_what_was_made_up_in_it() -> None:
    """A ring and a crescent, whose deepest part is the patch of another background that was painted
    in them.
    """
    random = np.random.default_rng(1)
    for material in ("plain", "striped"):
        edited, source, region, _ = _scene((20, 40, 230))
        ring, moon = (np.zeros((SIDE, SIDE), np.uint8) for _ in range(2))
        cv2.circle(ring, (80, 80), 40, 1, -1)
        cv2.circle(moon, (80, 80), 40, 1, -1)
        cv2.circle(ring, (80, 80), 20, 0, -1)
        cv2.circle(moon, (100, 80), 34, 0, -1)
        patch = cv2.GaussianBlur(random.integers(120, 230, (SIDE, SIDE, 3)).astype(np.uint8), (0, 0), 2)
        for thing in (ring > 0, moon > 0):
            colours = np.full((SIDE, SIDE, 3), (20, 40, 230), np.uint8)
            if material == "striped":
                colours[np.arange(SIDE) % 16 < 5] = (235, 235, 235)
            filled = cv2.dilate(np.asarray(ring, np.uint8), np.ones((3, 3), np.uint8)) > 0
            filled |= np.hypot(*np.mgrid[-80:80, -80:80]) < 40
            painted = np.where(thing[..., None], colours, np.where(filled[..., None], patch, edited))
            shown = np.maximum(edit_alpha(painted, source, region), (filled & region).astype(np.float32))
            hollow = cv2.erode((filled & ~thing).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
            cut = matte_objects(painted, region, shown, hollow=True)
            assert cut[hollow].mean() < 0.05
            assert cut[thing].mean() > 0.9
            assert matte_objects(painted, region, shown)[hollow].mean() > 0.5, "else it needs no telling"


def test_the_model_that_ships_says_which_kinds_are_hollow() -> None:
    words = read_vocabulary(Path(__file__).parents[2] / "assets/models/vivid-small")
    assert words is not None
    assert words.is_hollow("a shiny blue crescent")
    assert words.is_hollow("A RING, small")
    assert not words.is_hollow("a red ball")
    assert not words.is_hollow("")
