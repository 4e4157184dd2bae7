"""Words that several messages are made of."""

from __future__ import annotations

from core.words import duration


def test_a_time_reads_as_on_the_page() -> None:
    # those of words.test.js, and halves, which Python's formatting would round to the even digit
    times = (0.04, 1.26, 2.25, 4.45, 12.5, 42.4, 89, 90, 120, 150, 5399, 5400, 7200)
    words = ["0.0 s", "1.3 s", "2.3 s", "4.5 s", "13 s", "42 s", "89 s", "2 min", "2 min", "3 min", "90 min", "1.5 h", "2 h"]
    assert [duration(each) for each in times] == words
