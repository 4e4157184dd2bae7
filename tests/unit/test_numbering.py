"""The run of digits that counts is a picture's number, wherever in the name it is."""

from __future__ import annotations

import pytest

from core.numbering import gaps_of, numbers_of, twins_of

NAMES = {
    "plain": (["00000", "00001", "00002"], [0, 1, 2]),
    "before a suffix": (["frame_0000_x2", "frame_0001_x2", "frame_0002_x2"], [0, 1, 2]),
    "after a take": (["shot12_take3_0007", "shot12_take3_0008"], [7, 8]),
    "between a size and a version": (["1920x1080_5_v2", "1920x1080_6_v2", "1920x1080_8_v2"], [5, 6, 8]),
    "of two that count, the one by ones": (["0010_1", "0020_2", "0030_3"], [1, 2, 3]),
    "of two alike, the longer": (["f0001_1", "f0002_2"], [1, 2]),
    "with a time of day that repeats": (["a_120001_0001", "a_120001_0002", "a_120002_0003"], [1, 2, 3]),
    "with a hash behind": (["frame_1_a9f3", "frame_2_77", "frame_3_b"], [1, 2, 3]),
    "in names of several kinds": (["shot2_0000", "0001"], [0, 1]),
    "in some names only": (["cover", "f_3", "f_4"], [None, 3, 4]),
    "alone": (["shot_0042"], [42]),
    "nowhere": (["a", "b"], [None, None]),
    "longer than any number": (["7" * 6000], [777777777777777777]),
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_number_is_the_run_of_digits_that_counts(kind: str) -> None:
    names, numbers = NAMES[kind]
    assert numbers_of(names) == numbers
    assert numbers_of(names[::-1]) == numbers[::-1]


def test_equal_numbers_are_found() -> None:
    assert twins_of([3, None, 4, None, 3]) == (0, 4)
    assert twins_of([1, None, 2, None]) is None


def test_gaps_are_what_the_usual_step_leaves_out() -> None:
    assert gaps_of([0, 1, 2]) == []
    assert gaps_of([20, 0, 10]) == []
    assert gaps_of([0, 1, 4, 5, 7]) == [(1, 4), (5, 7)]
    assert gaps_of([5]) == []
