"""A finished edit over what is below it: in part, printed on it, behind what is in front."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.project.mix import Mix
from core.render.mixing import behind, mixed

YS, XS = np.mgrid[:90, :120]
BELOW = np.stack([60 + XS, 90 + YS, 70 + (XS + YS) // 2], -1).astype(np.uint8)
REGION = (abs(XS - 60) < 30) & (abs(YS - 45) < 30)
DISC = np.clip(20.5 - np.hypot(XS - 60, YS - 45), 0, 1)[..., None]
EDITED = np.rint(BELOW * (1 - DISC) + np.array([230, 40, 200]) * DISC).astype(np.uint8)


def test_an_edit_shows_in_part_or_is_printed_and_nothing_else_changes() -> None:
    half = mixed(BELOW, BELOW, EDITED, REGION, Mix(0.5))
    assert np.abs(half - (BELOW / 2 + EDITED / 2)).max() <= 0.5
    printed = mixed(BELOW, BELOW, EDITED, REGION, Mix(1, "multiply"))
    for result in (half, printed):
        assert (result[~REGION] == BELOW[~REGION]).all()
    inside = DISC[..., 0] == 1
    assert np.abs(printed[inside] - BELOW[inside] * (np.array([230, 40, 200]) / 255)).max() <= 2
    beside = (DISC[..., 0] == 0) & (np.hypot(XS - 60, YS - 45) > 26)
    assert (printed[beside] == BELOW[beside]).all(), "what was only painted again is not printed twice"
    assert (mixed(BELOW, BELOW, EDITED, REGION, Mix(1, "screen"))[inside] >= BELOW[inside]).all()


def test_an_edit_that_was_made_on_another_keeps_its_colours_over_what_shows_of_that() -> None:
    shown = np.full_like(BELOW, 128)
    result = mixed(shown, BELOW, EDITED, REGION, Mix())
    inside = DISC[..., 0] == 1
    assert np.abs(result[inside] - np.array([230, 40, 200])).max() <= 1
    assert (result[~REGION] == 128).all()


def test_what_is_in_front_hides_the_edit_and_what_can_not_be_shown_is_refused() -> None:
    front = XS < 60
    result = behind(BELOW, EDITED, REGION, front)
    assert (result[:, :57] == BELOW[:, :57]).all()
    assert (result[:, 63:] == EDITED[:, 63:]).all()
    assert behind(BELOW, EDITED, REGION, np.zeros_like(front)) is EDITED
    with pytest.raises(InputError, match="an opacity of 2 can't be used"):
        Mix(2)
    with pytest.raises(InputError, match="can't be blended by 'glow'"):
        Mix(1, "glow")  # type: ignore[arg-type]
