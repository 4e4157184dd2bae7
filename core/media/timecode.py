"""Time codes: the clock of a recorder, hours:minutes:seconds:frames, for a file's first frame."""

from __future__ import annotations

import re
from fractions import Fraction

_FORM = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)([:;.])(\d\d+)")
_DROPPING = Fraction(30000, 1001)
_HOURS = 24


def later(timecode: str, frames: int, rate: Fraction) -> str | None:
    """The time code of a later frame.

    Args:
        timecode: Of the first frame. A semicolon or a dot before the frames says that the first
            numbers of most minutes are dropped, so that 29.97 frames a second keep up with the
            clock.
        frames: How many frames later.
        rate: Frames a second.

    Returns:
        The time code; None for what is none at this rate.
    """
    found = _FORM.fullmatch(timecode)
    each = round(rate)
    if found is None or int(found[5]) >= each:
        return None
    hours, minutes, seconds, number = (int(found[group]) for group in (1, 2, 3, 5))
    dropped = 0
    if found[4] != ":":
        if (rate / _DROPPING).limit_denominator(1000).denominator != 1:
            return None
        dropped = each // 15
    minutes += 60 * hours
    count = (60 * minutes + seconds) * each + number - dropped * (minutes - minutes // 10) + frames
    # In ten minutes the numbers are dropped nine times.
    tens, rest = divmod(count, 600 * each - 9 * dropped)
    count += 9 * dropped * tens + (dropped * ((rest - dropped) // (60 * each - dropped)) if rest >= dropped else 0)
    whole, number = divmod(count, each)
    return f"{whole // 3600 % _HOURS:02}:{whole // 60 % 60:02}:{whole % 60:02}{found[4]}{number:02}"
