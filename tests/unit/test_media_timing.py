"""Stamps that are wrong are mended, and the others kept."""

from __future__ import annotations

from fractions import Fraction

import pytest

from core.media.timing import display_stamps, timing_of

MS = Fraction(1, 1000)


def steps(count: int, step: int = 100) -> list[int]:
    return [number * step for number in range(count)]


@pytest.mark.parametrize(
    ("wrong", "mended"),
    [
        ({}, {}),
        ({5: 400}, {5: 500}),  # equal to the one before
        ({5: 150}, {5: 500}),  # backward
        ({5: 90_000}, {5: 500}),  # far ahead
        ({5: None}, {5: 500}),
        ({0: 700}, {0: 0}),
        ({11: 0}, {11: 1100}),
        ({5: 400, 6: 400}, {5: 500, 6: 600}),
    ],
)
def test_wrong_stamps_move_between_their_neighbours(wrong: dict[int, int | None], mended: dict[int, int]) -> None:
    shown: list[int | None] = list(steps(12))
    for position, stamp in wrong.items():
        shown[position] = stamp
    assert display_stamps(shown, {}, only_sent=False) == tuple(mended.get(i, stamp) for i, stamp in enumerate(steps(12)))


def test_stamps_without_room_between_them_still_ascend() -> None:
    assert display_stamps([0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9], {}, only_sent=False) == (
        0,
        1,
        Fraction(4, 3),
        Fraction(5, 3),
        *range(2, 10),
    )


def test_times_of_sending_are_used_in_their_own_order() -> None:
    sent = {stamp + 2: stamp for stamp in steps(10, 2)}
    assert display_stamps([2, 8, 6, 10, 4, 14, 12, 18, 16, 20], sent, only_sent=False) == tuple(range(4, 24, 2))
    sent = {stamp: stamp for stamp in range(10)}
    assert display_stamps([0, 1, 3, 2, 4, 5, 6, 7, 8, 9], sent, only_sent=True) == tuple(range(1, 11))


def test_nothing_is_made_of_stamps_that_say_nothing() -> None:
    assert [display_stamps([None] * count, {}, only_sent=False) for count in (1, 2, 5)] == [None] * 3
    assert display_stamps([5, 4, 3, 2, 1], {1: 1}, only_sent=False) is None


@pytest.mark.parametrize(
    ("told", "last"), [(None, None), (Fraction(3), Fraction(3)), (Fraction(1, 100), Fraction(1, 100)), (Fraction("0.1005"), None)]
)
def test_the_last_frame_of_a_constant_rate_keeps_its_own_length(told: Fraction | None, last: Fraction | None) -> None:
    timing = timing_of(tuple(map(Fraction, steps(12))), 12, MS, [], told, None)
    assert (timing.rate, timing.variable, timing.last) == (10, False, last)
    assert timing.end == Fraction(11, 10) + (last or Fraction(1, 10))


def test_the_last_frame_of_a_varying_rate_keeps_its_own_length() -> None:
    timing = timing_of(tuple(map(Fraction, (0, 100, 150, 320))), 4, MS, [], Fraction(2), None)
    assert (timing.variable, timing.end, timing.rate) == (True, Fraction(232, 100), 4 / Fraction(232, 100))


@pytest.mark.parametrize(
    ("stamps", "rate"),
    [
        ([Fraction(number, 2) for number in range(30)], Fraction(2000)),  # moved to between two ticks
        ([7 + number * 1001 // 30 for number in range(90)], Fraction(30000, 1001)),
        ([number * 1001 // 30 + 2 * (number == 50) for number in range(90)], None),
    ],
)
def test_a_rate_is_constant_when_stamps_are_off_by_less_than_a_tick(stamps: list[Fraction], rate: Fraction | None) -> None:
    timing = timing_of(tuple(map(Fraction, stamps)), len(stamps), MS, [], None, None)
    assert (None if timing.variable else timing.rate) == rate
