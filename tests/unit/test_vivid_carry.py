"""The accepted picture carried on: its colour and detail stay, its surroundings stay the source's."""

from __future__ import annotations

import cv2
import numpy as np

from core.masks import bounding_span
from core.render.region import CropRegion
from core.render.visible import visible_edit
from core.vivid.carry import Accepted, Carrier
from tests.builders import noise_frames

SIZE = (120, 90)
CROP = CropRegion(10, 5, 80, 80, SIZE, (64, 64))


def _mask(left: int) -> np.ndarray:
    mask = np.zeros((90, 120), bool)
    mask[20:70, left : left + 50] = True
    return mask


def _edited(source: np.ndarray, left: int) -> np.ndarray:
    """A striped red square in the middle of the region."""
    picture = source.copy()
    picture[30:60, left + 10 : left + 40] = (200, 30, 40)
    picture[30:60:4, left + 10 : left + 40] = (120, 10, 20)
    return picture


def test_a_model_whose_colours_wander_does_not_change_the_edit_s() -> None:
    source = cv2.GaussianBlur(noise_frames(1, 90, 120)[0], (0, 0), 1.0)
    start, end = _mask(20), _mask(26)
    picture = _edited(source, 20)
    accepted = Accepted.of(picture, source, start)
    span = bounding_span(start)
    assert span is not None
    carrier = Carrier(accepted, span, CROP, cv2.blur(CROP.cut(picture), (5, 5)), accepted.colour(), 0)
    wanted = _edited(source, 26)
    orange = np.clip(CROP.cut(wanted).astype(int) + np.array([0, 45, 0]), 0, 255).astype(np.uint8)
    result = carrier.onto(source, source, end, bounding_span(end) or span, CROP, cv2.blur(orange, (5, 5)))
    inside = np.s_[32:58, 40:62]
    assert np.abs(result[inside].astype(float).mean((0, 1)) - wanted[inside].astype(float).mean((0, 1))).max() < 12
    assert result[inside].astype(float).std() > 0.6 * wanted[inside].astype(float).std()
    assert (result[~end] == source[~end]).all()
    assert (result[22:26, 30:70] == source[22:26, 30:70]).all()  # inside the region, where the edit does not show


def test_repainted_background_does_not_show_and_an_object_is_shown_whole() -> None:
    source = noise_frames(1, 90, 120)[0] // 8 + 100
    mask = _mask(20)
    soft = cv2.GaussianBlur(source, (0, 0), 3.0)
    assert visible_edit(np.where(mask[..., None], soft, source), source, mask).max() == 0
    edited = soft.copy()
    cv2.circle(edited, (45, 45), 15, (20, 40, 220), -1)
    cv2.circle(edited, (45, 45), 5, (112, 112, 112), -1)  # as gray as the background: still not looked through
    shown = visible_edit(edited, source, mask)
    assert shown[45, 45] == 1
    assert shown[24, 24] == 0
