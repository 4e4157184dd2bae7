"""A painted thing keeps its own proportions in a region of another shape."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.masks import bounding_box
from core.project.edits import SamplingSettings
from core.render.proportions import keeps_proportions, place_in


def _box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((90, 160), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_what_the_caption_names_decides() -> None:
    for caption in ("a ball", "a red ball", "two balls", "a small shiny star on the table", "A Ring"):
        assert keeps_proportions(caption), caption
    for caption in ("a dog", "a dog with a ball", "an orange cylinder", "a wheel loader", ""):
        assert not keeps_proportions(caption), caption
    assert keeps_proportions("a dog", "inside")
    assert not keeps_proportions("a ball", "stretch")


def test_a_ball_in_a_wide_region_stands_in_its_middle_and_in_a_high_one_at_its_foot() -> None:
    assert bounding_box(place_in(_box(20, 30, 140, 70), "a ball")) == (60, 30, 100, 70)
    assert bounding_box(place_in(_box(50, 5, 80, 85), "a ball")) == (50, 55, 80, 85)


def test_a_region_of_about_its_shape_a_thin_one_and_another_thing_are_left_alone() -> None:
    square, wide = _box(40, 20, 90, 65), _box(20, 30, 140, 70)
    assert place_in(square, "a ball") is square
    assert place_in(wide, "a car") is wide
    assert place_in(wide, "a ball", "stretch") is wide
    empty = np.zeros((4, 4), bool)
    assert place_in(empty, "a ball") is empty
    rows, columns = np.mgrid[:90, :160]
    line = np.abs(rows * 1.6 - columns) < 3
    assert place_in(line, "a ball") is line


def test_an_unknown_fit_is_one_line() -> None:
    with pytest.raises(InputError, match="choose stretch or inside"):
        SamplingSettings(fit="round")  # type: ignore[arg-type]
