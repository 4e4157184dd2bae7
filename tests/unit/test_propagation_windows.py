"""Which frames a propagation's windows hold."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.geometry import FrameRange
from core.propagation.windows import plan_direct, plan_windows, segment_plans


def _frames(frames: tuple[int, int], keyframe: int, length: int, empty: set[int] = frozenset()) -> list[tuple[int, ...]]:
    return [window.frames for window in plan_windows(FrameRange(*frames), keyframe, length, lambda frame: frame in empty)]


def test_windows_overlap_in_their_conditioning_frame() -> None:
    assert _frames((0, 9), 0, 5) == [(0, 1, 2, 3, 4), (4, 5, 6, 7, 8)]
    assert _frames((0, 10), 0, 5)[-1] == (8, 9)


def test_from_the_middle_they_go_forwards_then_backwards() -> None:
    assert _frames((10, 20), 13, 5) == [(13, 14, 15, 16, 17), (17, 18, 19), (13, 12, 11, 10)]


def test_one_frame_needs_no_window() -> None:
    assert _frames((5, 6), 5, 17) == []


def test_empty_stretches_are_stepped_over() -> None:
    assert _frames((0, 12), 0, 5, {3, 4, 5, 6, 7}) == [(0, 1, 2), (7, 8, 9, 10, 11)]
    assert _frames((0, 4), 0, 5, {1, 2, 3}) == []
    assert _frames((0, 6), 0, 9, {2, 3}) == [(0, 1, 2, 3, 4, 5)]  # a short gap stays inside its window


def test_two_pictures_go_towards_each_other_and_two_changes_blend_in_one_window() -> None:
    def planned(*carried: str, task: str = "modify") -> list[list[tuple[int, int]]]:
        keyframes = [SimpleNamespace(frame=20 * n, task=task, carried=kind) for n, kind in enumerate(carried)]
        plans = segment_plans(keyframes[::-1], FrameRange(0, 30))
        windows = [[window.frames for window in plan.windows(9, lambda frame: False)] for plan in plans]
        return [[(frames[0], frames[-1]) for frames in each] for each in windows]

    on, last = [(0, 8), (8, 16), (16, 24)], [(20, 28), (28, 29)]
    assert planned("picture", "picture") == [on, [(20, 12), (12, 4), (4, 1)], last, []]
    assert planned("change", "picture") == planned("picture", "picture")
    assert planned("change", "change") == planned("picture", "picture", task="delete") == [on, last, []]


def test_a_direct_edit_begins_with_a_window_of_which_no_frame_is_given() -> None:
    def planned(start: int, empty: set[int] = frozenset()) -> list[tuple[bool, tuple[int, ...]]]:
        windows = plan_direct(FrameRange(2, 12), start, 5, lambda frame: frame in empty)
        return [(window.given, window.edited) for window in windows]

    assert planned(2) == [(False, (2, 3, 4, 5, 6)), (True, (7, 8, 9, 10)), (True, (11,))]
    assert planned(4, {2, 3, 6, 7, 8}) == [(False, (4, 5)), (True, (9, 10, 11))]
    assert planned(11) == [(False, (11,))]
    alone = SimpleNamespace(frame=4, task="add", carried="direct")
    (plan,) = segment_plans([alone], FrameRange(2, 12))
    assert not plan.windows(5, lambda frame: False)[0].given
    with pytest.raises(InputError, match="by itself"):
        segment_plans([alone, SimpleNamespace(frame=8, task="add", carried="picture")], FrameRange(2, 12))


@given(st.data())
@settings(deadline=None)
def test_every_frame_with_a_region_is_made_once_and_conditioning_frames_are_known_by_then(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, 20))
    stop = start + data.draw(st.integers(1, 60))
    keyframe = data.draw(st.integers(start, stop - 1))
    empty = data.draw(st.sets(st.integers(start, stop - 1))) - {keyframe}
    windows = plan_windows(FrameRange(start, stop), keyframe, data.draw(st.sampled_from([5, 17, 49])), lambda frame: frame in empty)
    made = [frame for window in windows for frame in window.edited]
    assert len(made) == len(set(made))
    assert set(range(start, stop)) - empty - {keyframe} <= set(made)
    known = {keyframe} | empty
    for window in windows:
        assert window.conditioning_frame in known
        assert not set(window.edited) <= empty
        known |= set(window.edited)
