"""The region that a removal is proposed suits the shape of what is removed."""

from __future__ import annotations

import numpy as np
import pytest

from core.masks import MaskSequence, proposed_adjustment, shaped
from core.project.tracks import MaskAdjustment

SIZE = (120, 90)
Y, X = np.mgrid[:90, :120]
BALL = (X - 60) ** 2 + (Y - 45) ** 2 < 30**2
NOTCH = (abs(X - 60) < 6) & (Y < 21)  # a part that the segmenter took for background
WALKER = (abs(X - 60) < 8) & (Y > 10) & (Y < 50) | (abs(abs(X - 60) - (Y - 50) / 2) < 4) & (Y >= 50) & (Y < 80)


def masks_of(mask: np.ndarray) -> MaskSequence:
    masks = MaskSequence.empty(SIZE, 0, 3)
    for frame in range(3):
        masks.set(frame, mask)
    return masks


@pytest.mark.parametrize(("mask", "form"), [(BALL & ~NOTCH, "hull+expand"), (WALKER, "expand")])
def test_only_a_compact_thing_is_removed_along_its_hull(mask: np.ndarray, form: str) -> None:
    proposed = proposed_adjustment("delete", [masks_of(mask)], MaskAdjustment())
    assert (proposed.form, proposed.pixels) == (form, 6)
    assert shaped(mask, proposed)[BALL].all() or form == "expand"
    both = proposed_adjustment("delete", [masks_of(BALL), masks_of(WALKER)], MaskAdjustment())
    assert both.form == "expand"
    assert proposed_adjustment("modify", [masks_of(mask)], MaskAdjustment()).form == "box+expand"
    for task in ("add", "modify"):
        assert proposed_adjustment(task, [masks_of(mask)], MaskAdjustment(), "expand").form == "expand", "what the engine likes"


def test_solidity_is_the_share_of_the_hull() -> None:
    square = np.zeros((90, 120), bool)
    square[10:30, 20:40] = True
    corner = square.copy()
    corner[10:20, 20:30] = False  # a quarter of it; the hull loses half of that
    assert masks_of(square).facts(0).solidity == 1
    assert masks_of(corner).facts(1).solidity == pytest.approx(300 / (400 - 50))
    assert masks_of(np.zeros_like(square)).facts(2).solidity == 0


def test_what_has_no_mask_is_given_a_form_too() -> None:
    assert proposed_adjustment("delete", [MaskSequence.empty(SIZE, 0, 3)], MaskAdjustment()).form == "expand"
