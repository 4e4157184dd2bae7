"""Which frames of a clip an engine is shown, so that they follow one another at its own rate.

The engine's moments are the trainer's (`core.training.datasets.records`): every 1/rate of a second
the frame nearest in time. All frames of the clip stay; those that the engine was not shown are
drawn between its answers (`between.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from core.media.timing import nearest_stamp

APART = 1.25
"""Times that the rates of engine and clip may differ before frames are chosen by their time."""
MOST_REPEATS = 4
"""How often a frame of a slow clip is shown at most: the same picture again tells nothing new."""


@dataclass(frozen=True)
class Pace:
    """Moments of a clip, `rate` a second. `times` are the time stamps of all its frames, in
    seconds.
    """

    times: Sequence[Fraction]
    rate: Fraction

    @property
    def repeats(self) -> int:
        """How often a frame may be shown at most: more than once where the clip is slower."""
        return min(max(1, math.ceil(self.rate / clip_rate(self.times))), MOST_REPEATS)

    def covers(self, length: int) -> float:
        """How many frames of the clip a window of `length` moments reaches ahead, on average."""
        return float((length - 1) * clip_rate(self.times) / self.rate)

    def hint(self) -> str:
        """What a person should know of it."""
        rate, own = float(self.rate), float(clip_rate(self.times))
        between = "the frames between are drawn from its answers" if own > rate else "frames are shown to it several times"
        return f"the model is shown {rate:.4g} frames a second and the clip has {own:.4g}: {between} (--rate source to show it each once)"

    def seen(self, first: int, last: int, length: int, held: Collection[int] = ()) -> tuple[int, ...]:
        """The frames of one window.

        Where the clip holds a picture for long, as one of variable rate may, the moments go on from
        its next frame. A frame of `held` is taken in place of the moment nearest to it, or besides
        where none is near.

        Args:
            first: The frame that it starts from.
            last: The last one that there is, before or behind `first`.
            length: How many frames at most.
            held: Frames that must not be passed over.

        Returns:
            Frames from `first` towards `last`; slower clips have some of them several times.
        """
        way, step = (1 if last >= first else -1), 1 / self.rate
        # A window has to get on.
        frames, moment, repeats = [first], self.times[first], min(self.repeats, max(length - 1, 1))
        while len(frames) < length and frames[-1] != last:
            before = frames[-1]
            moment += way * step
            frame = way * min(way * nearest_stamp(self.times, moment), way * last)
            if way * (frame - before) <= 0:
                frame = before
                if len(frames) >= repeats and all(other == before for other in frames[-repeats:]):
                    frame = before + way
                    moment = self.times[frame]
            passed = [one for one in held if way * (one - before) > 0 and way * (one - last) <= 0]
            near = [one for one in passed if way * (self.times[one] - moment) <= step / 2]
            if near:
                frame = min(near, key=lambda one: way * one)
                if way * (moment - self.times[frame]) > step / 2:
                    moment -= way * step
            frames.append(frame)
        return tuple(frames)


def pace_of(native: float | None, wanted: str | None, times: Sequence[Fraction] | None) -> Pace | None:
    """How a clip is shown to an engine.

    Args:
        native: Frames a second that the engine was trained at; None where that is not known.
        wanted: `source` for every frame, a number for so many a second, `engine` or None for the
            engine's own rate where the clip's is another.
        times: The time stamps of all frames, in seconds; None where they are not known.

    Returns:
        The pace; None where every frame is shown.
    """
    if times is None or len(times) < 2 or times[-1] <= times[0] or wanted == "source":
        return None
    own = clip_rate(times)
    if wanted in (None, "engine"):
        if not native or max(native / own, own / native) < APART:
            return None
        return Pace(times, Fraction(native).limit_denominator(1000))
    rate = Fraction(wanted).limit_denominator(1000)
    return None if rate == own else Pace(times, rate)


def clip_rate(times: Sequence[Fraction]) -> Fraction:
    """Frames a second, on average, of a clip of two frames or more."""
    return Fraction(len(times) - 1) / (Fraction(times[-1]) - Fraction(times[0]))
