"""The time left of a job: steady, true once it is known, and over all stages."""

from __future__ import annotations

from itertools import pairwise

import pytest

from core.progress import TimeLeft


def run(left: TimeLeft, stage: str, seconds: float, start: float, steps: int = 40) -> list[float | None]:
    """What is said to be left through a stage that goes evenly."""
    return [left.at(stage, done, steps, start + seconds * done / steps)[1] for done in range(steps + 1)]


def jumps(said: list[float | None], every: float) -> list[float]:
    """By how much each value differs from the last one, less the time that passed."""
    known = [one for one in said if one is not None]
    return [abs(later - (before - every)) for before, later in pairwise(known)]


def test_what_was_expected_counts_down_over_all_stages() -> None:
    left = TimeLeft()
    left.expect({"propagate": 40.0, "rendering": 20.0})
    before = left.at("loading the model", 0, 1, 0.0)[1]
    said = [before, *run(left, "propagate", 40, 0.0), *run(left, "rendering", 20, 40.0)]
    assert said[0] == 60
    assert said == pytest.approx([60, *(60 - i for i in range(41)), *(20 - i / 2 for i in range(41))], abs=0.01)


def test_what_takes_twice_as_long_is_noticed_without_a_jump() -> None:
    left = TimeLeft()
    left.expect({"propagate": 40.0, "rendering": 20.0})
    said = [*run(left, "propagate", 80, 0.0), *run(left, "rendering", 40, 80.0)]
    truth = [120 - 2.0 * i for i in range(41)] + [40 - 1.0 * i for i in range(41)]
    known = [one for one in said if one is not None]
    assert len(known) == len(truth)
    assert max(jumps(said[:41], 2.0)) < 12
    assert max(jumps(said[41:], 1.0)) < 3
    assert all(abs(one - true) < true / 3 + 1 for one, true in list(zip(known, truth, strict=True))[8:])
    assert known[-1] < 1


def test_without_an_expectation_the_first_moment_says_nothing() -> None:
    left = TimeLeft()
    assert [left.at("export", done, 100, when)[1] for done, when in ((0, 0.0), (1, 0.1), (2, 0.9))] == [None, None, None]
    assert left.at("export", 10, 100, 2.0)[1] == pytest.approx(18)
    slower = left.at("export", 20, 100, 22.0)[1]
    assert slower is not None
    assert 80 < slower <= 88
    assert left.at("export", 100, 100, 30.0) == (30.0, 0.0)
    assert left.at("another", 50, 100, 31.0)[1] is not None
