"""Which frames a person is sent to, by cases drawn by hand, and the facts under them against
pixels.
"""

import cv2
import numpy as np
import pytest

from core.masks import check_quality, MaskSequence

SIZE = (64, 48)


def disc(x: float, y: float = 24, radius: float = 9) -> np.ndarray:
    ys, xs = np.mgrid[: SIZE[1], : SIZE[0]]
    return (xs - x) ** 2 + (ys - y) ** 2 <= radius**2


NOTHING = np.zeros((48, 64), bool)


def moving(frames: int = 20) -> list[np.ndarray]:
    return [disc(20 + i) for i in range(frames)]


def found(masks: list[np.ndarray], confirmed: tuple[int, ...] = (), scene_cuts: tuple[int, ...] = ()) -> list[tuple[int, str]]:
    return [(s.frame, s.reason) for s in check_quality(MaskSequence(SIZE, 0, masks), range(len(masks)), confirmed, scene_cuts)]


def test_a_thing_that_moves_and_grows_steadily_is_in_good_health() -> None:
    assert found(moving()) == []
    assert found([disc(30, radius=5 + 0.6 * i) for i in range(20)]) == []
    rng = np.random.default_rng(0)
    assert found([disc(20 + 2 * i + rng.normal(), 24 + rng.normal(), 9 + 0.4 * rng.normal()) for i in range(20)]) == []


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (disc(30, radius=14), "area"),
        (disc(30, radius=5), "area"),
        (disc(50), "centre"),
        (NOTHING, "empty"),
        (~NOTHING, "full"),
        (disc(28, radius=8) | disc(55, 40, 4), "pieces"),
    ],
)
def test_one_bad_frame_is_named_once_and_the_way_back_is_not(mask: np.ndarray, reason: str) -> None:
    masks = moving()
    masks[8] = mask
    assert found(masks) == [(8, reason)]
    assert found(masks, confirmed=(8,)) == []


def test_all_frames_between_a_jump_and_the_jump_back_are_named() -> None:
    masks = moving()
    for frame in range(6, 14):  # half of the thing is lost
        masks[frame] = masks[frame] & (np.arange(64) < 20 + frame)
    assert found(masks) == [(frame, "area") for frame in range(6, 14)]
    assert found(masks, confirmed=(9,)) == [(6, "area")], "who confirms one of them says that the others are right, too"
    elsewhere = [disc(20 + i, 24 if i not in (7, 8, 9) else 39) for i in range(20)]
    assert found(elsewhere) == [(frame, "centre") for frame in (7, 8, 9)]


def test_a_mask_that_changes_for_good_is_suspect_where_it_does() -> None:
    masks = [disc(20 + i, radius=9 if i < 10 else 5) for i in range(20)]
    assert found(masks) == [(10, "area")]
    assert found(masks, scene_cuts=(10,)) == []


def test_a_thing_may_leave_the_frame_or_shrink_away_but_not_vanish() -> None:
    leaves = [disc(44 + 3 * i) for i in range(12)]
    assert not leaves[-1].any()
    assert "empty" not in dict(found(leaves)).values()
    shrinks = [disc(30, radius=10 - i) for i in range(9)] + [NOTHING] * 4
    assert all(reason != "empty" for _, reason in found(shrinks))
    assert found([*moving(6), *[NOTHING] * 4]) == [(6, "empty")]
    assert found([*moving(6), *[NOTHING] * 4], scene_cuts=(6,)) == []
    leaves_and_is_back = [*leaves, disc(60), disc(58)]
    assert "empty" in dict(found(leaves_and_is_back)).values()


def test_what_the_segmenter_itself_doubts_is_flagged() -> None:
    masks = MaskSequence(SIZE, 0, moving())
    masks.set(4, disc(24), 0.9)
    masks.set(5, disc(25), 0.6)  # as where a side of the thing is slowly lost
    masks.set(6, disc(26), 0.1)
    flags = [(flag.frame, flag.reason) for flag in check_quality(masks, range(20), confirmed=(6,))]
    assert flags == [(5, "unsure")]
    masks.set(5, disc(25))  # a person's, or of an earlier version
    assert check_quality(masks, range(20), confirmed=(6,)) == []


def test_pieces_and_what_lies_between_jumps_are_named_only_where_the_segmenter_has_doubts() -> None:
    frames = moving()
    for frame in range(6, 14):
        frames[frame] = frames[frame] & (np.arange(64) < 20 + frame)
    frames[17] = disc(37, radius=8) | disc(55, 40, 4)
    masks = MaskSequence(SIZE, 0, frames)
    for frame in (*range(7, 14), 17):
        masks.set(frame, frames[frame], 0.7 if frame in (9, 10) else 0.9)
    assert [flag.frame for flag in check_quality(masks, range(20))] == [6, 9, 10]


def test_nothing_is_said_of_an_object_that_was_never_there() -> None:
    assert found([NOTHING] * 5) == []


def test_facts_from_run_lengths_are_those_of_the_pixels() -> None:
    rng = np.random.default_rng(1)
    for number in range(600):
        height, width = rng.integers(1, 12, 2)
        mask = rng.random((height, width)) < rng.choice([0.2, 0.5, 0.8, 1.0])
        if number % 2:  # one run in every row
            ends = np.sort(rng.integers(0, width + 1, (2, height, 1)), axis=0)
            mask = (np.arange(width) >= ends[0] - 1) & (np.arange(width) < ends[1])
        facts = MaskSequence((width, height), 0, [mask]).facts(0)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        assert facts.area == mask.sum()
        assert facts.pieces == tuple(sorted((a for a in stats[1:, 4].tolist() if a >= 0.02 * mask.sum()), reverse=True))
        if mask.any():
            ys, xs = np.nonzero(mask)
            assert facts.centre == pytest.approx((xs.mean(), ys.mean()))
            assert facts.box == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_facts_follow_a_mask_that_is_replaced_and_not_its_copy() -> None:
    sequence = MaskSequence(SIZE, 3, [disc(20), disc(22)])
    twin = sequence.copy()
    assert sequence.facts(4).area == twin.facts(4).area
    sequence.set(4, NOTHING)
    assert (sequence.facts(4).area, twin.facts(4).area) == (0, int(disc(22).sum()))
