"""Time stamps of an output, from those of the source and the span."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.media.clock import clock_of
from core.project.video import VideoInfo

NTSC = Fraction(30000, 1001)
STAMPS = [Fraction(tick, 600) for tick in (0, 20, 40, 61, 80, 140, 160)]
VARIABLE = VideoInfo(64, 48, Fraction(7 * 600, 183), 7, variable_rate=True)
"""Seven frames that last 183 ticks of 1/600 s, the last one 23 of them."""


def test_a_constant_rate_counts_in_frames() -> None:
    clock = clock_of(VideoInfo(64, 48, NTSC, 10), None, (3, 8), None)
    assert clock.tick == 1 / NTSC
    assert clock.frames == 5
    assert [clock.pts(index) for index in range(5)] == [0, 1, 2, 3, 4]
    assert clock.end(5) == 5 / NTSC
    assert clock.source_start == 3 / NTSC


def test_stamps_of_a_constant_rate_come_to_the_same_ticks() -> None:
    info = VideoInfo(64, 48, NTSC, 10)
    clock = clock_of(info, [index / NTSC for index in range(10)], None, None)
    assert (clock.tick, clock.end(10)) == (1 / NTSC, 10 / NTSC)


@pytest.mark.parametrize("given_stamps", [STAMPS, STAMPS[2:5]], ids=["of the source", "of the span"])
def test_a_span_begins_at_zero_and_keeps_every_interval(given_stamps: list[Fraction]) -> None:
    clock = clock_of(VARIABLE, given_stamps, (2, 5), None)
    assert [clock.pts(index) * clock.tick for index in range(3)] == [0, Fraction(21, 600), Fraction(40, 600)]
    assert clock.source_start == Fraction(40, 600)


def test_the_last_frame_lasts_as_long_as_in_the_source() -> None:
    assert clock_of(VARIABLE, STAMPS, None, None).end(7) == Fraction(183, 600)
    assert clock_of(VARIABLE, STAMPS, (2, 5), None).end(3) == Fraction(100, 600)
    assert clock_of(VARIABLE, STAMPS[5:], (5, 7), None).end(2) == Fraction(43, 600)


@pytest.mark.parametrize(
    ("stamps", "span", "words"),
    [
        (None, None, "without its time stamps"),
        (STAMPS[:4], (0, 3), "4 time stamps don't fit 3 frames"),
        ([], None, "0 time stamps"),
        ([Fraction(0), Fraction(1), Fraction(1)], (0, 3), "ascend"),
        (STAMPS, (3, 9), "3:9"),
    ],
)
def test_bad_stamps_are_named(stamps: list[Fraction] | None, span: tuple[int, int] | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        clock_of(VARIABLE, stamps, span, None)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=30), st.sampled_from([600, 1000, 90000, 30000, 24]))
def test_any_stamps_fall_on_ticks_exactly(steps: list[int], scale: int) -> None:
    ticks = [sum(steps[:index]) for index in range(len(steps) + 1)]
    stamps = [Fraction(tick, scale) for tick in ticks]
    info = VideoInfo(64, 48, len(stamps) / (stamps[-1] + Fraction(1, scale)), len(stamps), variable_rate=True)
    clock = clock_of(info, stamps, None, None)
    assert [clock.pts(index) * clock.tick for index in range(len(stamps))] == stamps
    assert clock.end(len(stamps)) == stamps[-1] + Fraction(1, scale)
