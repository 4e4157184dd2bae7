"""What a person may rely on when masks are smoothed over time: flicker goes, and whatever moves,
turns, grows or leaves is not eaten.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.masks import adjust, MaskSequence, region_at, RegionPart, remove_flicker
from core.project.tracks import MaskAdjustment

relaxed = settings(deadline=None, max_examples=40)
SHAPE = (90, 140)
ys, xs = np.indices(SHAPE)


def thing(x: float, y: float) -> np.ndarray:
    """A disc with a thin tail and a hole, which look the same in no other place."""
    disc = (xs - x) ** 2 + (ys - y) ** 2 <= 12**2
    tail = (np.abs(ys - y + 6) <= 1) & (xs >= x) & (xs <= x + 22)
    return (disc | tail) & ~((xs - x - 3) ** 2 + (ys - y) ** 2 <= 3**2)


def over_time(masks: list[np.ndarray], reach: int = 2) -> np.ndarray:
    return adjust(np.stack(masks), MaskAdjustment(smooth=reach))


@relaxed
@given(st.integers(-40, 40), st.integers(-25, 25), st.integers(1, 4))
def test_a_thing_that_moves_at_any_speed_stays_exactly_as_it_is(vx: int, vy: int, reach: int) -> None:
    masks = [thing(70 + vx * t, 45 + vy * t) for t in range(-3, 4)]
    for mask, now in zip(masks, over_time(masks, reach), strict=True):
        inside = not (mask[[0, -1]].any() or mask[:, [0, -1]].any())
        if inside or mask.sum() > 0.7 * thing(70, 45).sum():
            assert (mask == now).all()
        else:  # what is left of it at the border looks much the same a few pixels on
            assert (mask & ~now).sum() <= 0.1 * mask.sum() + 20


@relaxed
@given(st.integers(-9, 9), st.integers(-4, 4), st.sampled_from(["piece gone", "blob added", "both"]))
def test_flicker_on_a_moving_thing_is_settled(vx: int, vy: int, fault: str) -> None:
    masks = [thing(70 + vx * t, 45 + vy * t) for t in range(-3, 4)]
    broken = [mask.copy() for mask in masks]
    if fault != "blob added":
        broken[3][:, 72:] = False
    if fault != "piece gone":
        broken[3] |= (xs - 20) ** 2 + (ys - 20) ** 2 <= 7**2
    assert (over_time(broken) == np.stack(masks)).all()


def test_a_part_that_swings_against_the_rest_is_kept() -> None:
    def pendulum(t: int) -> np.ndarray:
        angle = 0.5 * t
        end = (70 + 30 * np.sin(angle), 35 + 30 * np.cos(angle))
        share = np.clip(((xs - 70) * (end[0] - 70) + (ys - 35) * (end[1] - 35)) / 900, 0, 1)
        rod = (xs - 70 - share * (end[0] - 70)) ** 2 + (ys - 35 - share * (end[1] - 35)) ** 2 <= 2.5**2
        return (np.abs(xs - 70) <= 16) & (np.abs(ys - 25) <= 10) | rod

    masks = [pendulum(t) for t in range(-3, 4)]
    steadied = over_time(masks)
    for mask, now in zip(masks[1:-1], steadied[1:-1], strict=True):
        assert (mask & ~now).sum() < 0.05 * mask.sum()
    masks[3] = masks[3] | (xs < 9) & (ys < 9)
    assert not over_time(masks)[3][:9, :9].any()


def test_what_grows_shrinks_or_leaves_keeps_its_outline_of_the_moment() -> None:
    growing = [(xs - 70) ** 2 + (ys - 45) ** 2 <= (12 + 3 * t) ** 2 for t in range(7)]
    for mask, now in zip(growing[2:-2], over_time(growing)[2:-2], strict=True):
        assert (mask ^ now).sum() <= 0.02 * mask.sum()
    leaving = [thing(100 + 9 * t, 45) for t in range(5)]
    assert (over_time(leaving) == np.stack(leaving)).all()


def test_an_empty_mask_stays_empty_and_says_nothing_of_its_neighbours() -> None:
    masks = [thing(70, 45) for _ in range(5)]
    masks[2] = np.zeros(SHAPE, np.bool_)
    assert (over_time(masks) == np.stack(masks)).all()
    assert (remove_flicker([masks[2], masks[0], masks[2]], 1) == masks[0]).all()


def test_another_shot_has_no_say() -> None:
    flat = (np.abs(ys - 20) <= 3) & (xs > 5) & (xs < 130)
    masks = [thing(70, 45)] * 3 + [flat] * 3
    assert (over_time(masks) == np.stack(masks)).all()


@relaxed
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_nothing_appears_that_no_frame_around_has(seed: int, reach: int) -> None:
    rng = np.random.default_rng(seed)
    masks = np.repeat(np.repeat(rng.random((5, 6, 7)) > 0.6, 4, 1), 4, 2)
    out = adjust(masks, MaskAdjustment(smooth=reach))
    for index, mask in enumerate(masks):
        if not mask.any():
            assert not out[index].any()
        assert out[index].sum() <= masks[max(0, index - reach) : index + reach + 1].sum()
    still = np.repeat(masks[:1], 5, 0)
    assert (adjust(still, MaskAdjustment(smooth=reach)) == still).all()


def test_one_frame_of_a_region_needs_only_the_frames_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = [thing(50 + 3 * t, 45) for t in range(12)]
    masks[6][:, 60:] = False
    part = RegionPart(MaskSequence(SHAPE[::-1], 0, masks), MaskAdjustment("expand", 2, smooth=2, holes=-1))
    looked_at = []
    unpack = MaskSequence.__getitem__
    monkeypatch.setattr(MaskSequence, "__getitem__", lambda self, frame: (looked_at.append(frame), unpack(self, frame))[1])
    region, _ = region_at([part], 6, SHAPE[::-1])
    assert set(looked_at) == {4, 5, 6, 7, 8}
    for frame, around in ((4, {2, 3, 4}), (5, {5, 6}), (6, {5, 6}), (7, {7, 8, 9})):  # not beyond the cuts
        looked_at.clear()
        region_at([replace(part, cuts=(5, 7))], frame, SHAPE[::-1])
        assert set(looked_at) == around
    assert (region == adjust(np.stack(masks), part.adjustment)[6]).all()
