"""When each frame of a stream is shown, from stamps that may be wrong."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import floor, lcm
from statistics import median_low

_COMMON_RATES = tuple(Fraction(rate) for rate in (24, 25, 30, 50, 60, 12, 15, 10, 48, 100, 120, 240))
_NTSC_RATES = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120, 48, 15, 12))

_FEW = 0.25
"""Up to this share of wrong stamps, the others are believed."""

Stamps = tuple[Fraction, ...]


@dataclass(frozen=True)
class Timing:
    """Seconds from the first frame: `stamps` of the frames, the `end` of the last one. `rate` is in
    frames a second, the average if it is `variable`.
    """

    stamps: Stamps
    rate: Fraction
    variable: bool
    end: Fraction

    @property
    def last(self) -> Fraction | None:
        """Seconds that the last frame is shown, where a constant rate does not tell."""
        return None if self.variable or self.end == len(self.stamps) / self.rate else self.end - self.stamps[-1]


def display_stamps(shown: Sequence[int | None], sent: Mapping[int, int], only_sent: bool) -> Stamps | None:
    """The stamps of frames, made to ascend.

    A wrong stamp is moved between those around it. Where many are wrong, they are not times of
    display at all: AVI and ASF keep the times at which frames are sent to the decoder, whose order
    is another one when frames are predicted from later ones. Frames are shown in these times' own
    order, late enough for each to have been sent.

    Args:
        shown: Ticks, as the decoder gave them, in the order of display.
        sent: Ticks at which frames are sent to the decoder, by their stamps.
        only_sent: Whether the container keeps no other times.

    Returns:
        Ascending ticks, as many as `shown`; None when nothing can be made of them.
    """
    right = _longest_ascending(shown)
    wrong = len(shown) - len(right)
    if right and (wrong == 0 or (wrong <= max(1, _FEW * len(shown)) and not only_sent)):
        return _moved_between(shown, right)
    if len(sent) >= len(shown):
        times = sorted(sent.values())[: len(shown)]
        delay = max(sent.get(stamp, time) - time for stamp, time in zip(shown, times, strict=True))  # type: ignore[arg-type]
        return tuple(stamp + delay for stamp in _moved_between(times, _longest_ascending(times)))
    return _moved_between(shown, right) if right and 2 * wrong <= len(shown) else None


def _longest_ascending(stamps: Sequence[int | None]) -> list[int]:
    """The positions of as many stamps as possible that ascend; of equal ones, the first."""
    tails: list[int] = []  # the smallest stamp that ends an ascending run of each length
    at: list[int] = []
    before: dict[int, int] = {}
    for position, stamp in enumerate(stamps):
        if stamp is None:
            continue
        length = bisect_left(tails, stamp)
        if length < len(tails) and tails[length] == stamp:
            continue
        if length:
            before[position] = at[length - 1]
        tails[length : length + 1], at[length : length + 1] = [stamp], [position]
    chosen: list[int] = []
    position_: int | None = at[-1] if at else None
    while position_ is not None:
        chosen.append(position_)
        position_ = before.get(position_)
    return chosen[::-1]


def _moved_between(stamps: Sequence[int | None], right: list[int]) -> Stamps:
    """The stamps, those that are not at the `right` positions evenly between their neighbours."""
    known = [(position, Fraction(stamps[position] or 0)) for position in right]
    steps = [(b - a) / (there - here) for (here, a), (there, b) in pairwise(known)]
    usual = median_low(steps) if steps else Fraction(1)
    first, last = known[0], known[-1]
    ends = [(-1, first[1] - (first[0] + 1) * usual), *known, (len(stamps), last[1] + (len(stamps) - last[0]) * usual)]
    times: list[Fraction] = []
    for (here, a), (there, b) in pairwise(ends):
        step = (b - a) / (there - here)
        between = [a + number * step for number in range(there - here)]
        # Whole ticks where there is room for them.
        times += [Fraction(floor(time)) for time in between] if step >= 1 else between
    return tuple(times[1:])


def timing_of(
    stamps: Stamps | None, count: int, time_base: Fraction, declared: Sequence[Fraction], told: Fraction | None, length: Fraction | None
) -> Timing:
    """Find out the rate, and when the last frame ends.

    A rate is constant when stamps lie where it puts them, to less than one tick of rounding. Then
    the exact times are used, not the rounded ones: a container that counts milliseconds can't say
    1001/30000 s.

    Args:
        stamps: Ticks of the frames, ascending; None when they are not known.
        count: How many frames there are.
        time_base: Seconds a tick.
        declared: Rates that the file speaks of, the likeliest first.
        told: Seconds that the last frame is shown, as far as the file says it.
        length: Seconds that the stream lasts, as far as the file says it.

    Returns:
        The timing.
    """
    guess = next(iter(declared), Fraction(25))
    if stamps is None or count == 1:
        end = told if told and count == 1 else count / guess
        return Timing(tuple(index / guess for index in range(count)), guess, False, end)
    measured = (count - 1) / ((stamps[-1] - stamps[0]) * time_base)
    near = sorted(_COMMON_RATES + _NTSC_RATES, key=lambda rate: abs(rate - measured))[:2]
    for rate in (*declared, *near, measured):
        if _is_constant(stamps, time_base, rate):
            exact = tuple(index / rate for index in range(count))
            own = told is not None and abs(told - 1 / rate) > max(time_base, Fraction(1, 1000))
            return Timing(exact, rate, False, exact[-1] + told if told and own else count / rate)
    times = tuple((stamp - stamps[0]) * time_base for stamp in stamps)
    end = times[-1] + (told or median_low([b - a for a, b in pairwise(times)]))
    if told is None and length is not None and times[-1] < length < 2 * end:
        end = length
    return Timing(times, count / end, True, end)


def _is_constant(stamps: Stamps, time_base: Fraction, rate: Fraction) -> bool:
    """Whether stamps, in ticks, lie where a rate puts them, to less than one tick of rounding."""
    # Whole numbers of a unit that all times share: fractions take seconds for a long film.
    parts = lcm(*{stamp.denominator for stamp in stamps})
    tick, step = time_base.numerator * rate.numerator, rate.denominator * time_base.denominator * parts
    most = min(time_base, 1 / rate / 2) * (time_base.denominator * rate.numerator * parts)
    first = int(stamps[0] * parts)
    least = greatest = 0
    for index, stamp in enumerate(stamps):
        error = (stamp.numerator * (parts // stamp.denominator) - first) * tick - index * step
        least, greatest = min(least, error), max(greatest, error)
        if greatest - least >= most:
            return False
    return True


def nearest_stamp(stamps: Sequence[Fraction], time: Fraction) -> int:
    """The number of the frame whose stamp is nearest to a time, the earlier one of two."""
    after = min(bisect_left(stamps, time), len(stamps) - 1)
    return after - 1 if after and time - stamps[after - 1] <= stamps[after] - time else after
