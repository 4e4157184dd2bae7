"""Divides frames into the segments and windows of a propagation. Pure Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Literal, Protocol, TypeVar

from core.errors import InputError
from core.geometry import FrameRange
from core.propagation.pace import Pace

STAGE = "propagate"
"""What the progress of windows is called."""


class Placed(Protocol):
    """What is asked of a keyframe here: where it is, its task, and how it is carried."""

    @property
    def frame(self) -> int: ...

    @property
    def task(self) -> str: ...

    @property
    def carried(self) -> str | None: ...


Key = TypeVar("Key", bound=Placed)


@dataclass(frozen=True)
class Window:
    """Frames of one run of the model, in the order it sees them. The first conditions the others:
    it is edited already, and only read; unless nothing is `given`, as where a direct edit begins.

    Where it is shown them at another rate than theirs, `seen` are the frames that it sees, with the
    first and the last among them; of a slow clip some several times.
    """

    direction: Literal["forward", "backward"]
    frames: tuple[int, ...]
    seen: tuple[int, ...] = ()
    given: bool = True

    @property
    def shown(self) -> tuple[int, ...]:
        """The frames that the model sees."""
        return self.seen or self.frames

    @property
    def conditioning_frame(self) -> int:
        return self.frames[0]

    @property
    def edited(self) -> tuple[int, ...]:
        """The frames that this window makes: all but the conditioning frame."""
        return self.frames[1:] if self.given else self.frames


def plan_windows(
    frames: FrameRange,
    keyframe: int,
    length: int,
    is_empty: Callable[[int], bool],
    pace: Pace | None = None,
    held: Collection[int] = (),
) -> list[Window]:
    """Divide the frames around a keyframe into windows.

    Frames where nothing is to be edited are stepped over: they belong to no window, and the next
    window starts from the untouched frame before something is to be edited again.

    Args:
        frames: All frames to edit.
        keyframe: Where the windows start, inside `frames`.
        length: Frames that the model sees of a window, at most.
        is_empty: Whether nothing is to be edited on a frame.
        pace: Which frames the model sees; None for all.
        held: Frames that it sees in any case.

    Returns:
        Windows from the keyframe to the end, then those from the keyframe back to the start.
    """
    start, stop = frames
    return [
        *_one_way("forward", list(range(keyframe, stop)), length, is_empty, pace, held),
        *_one_way("backward", list(range(keyframe, start - 1, -1)), length, is_empty, pace, held),
    ]


def plan_direct(
    frames: FrameRange,
    start: int,
    length: int,
    is_empty: Callable[[int], bool],
    pace: Pace | None = None,
    held: Collection[int] = (),
) -> list[Window]:
    """Divide the frames of a direct edit into windows.

    Args:
        frames: All frames to edit.
        start: Where the painting begins; what lies before stays as it is.
        length: Frames that the model sees of a window, at most.
        is_empty: Whether nothing is to be edited on a frame.
        pace: Which frames the model sees; None for all.
        held: Frames that it sees in any case.

    Returns:
        A window of which no frame is given, then those that go on from it.
    """
    order = list(range(min(max(start, frames.start), frames.stop - 1), frames.stop))
    shown, seen = _window(order, length, is_empty, pace, held)
    first = Window("forward", shown, seen, given=False)
    return [first, *_one_way("forward", order[len(shown) - 1 :], length, is_empty, pace, held)]


@dataclass(frozen=True)
class SegmentPlan(Generic[Key]):
    """Where the windows go that start from one keyframe in one direction.

    Attributes:
        keyframe: Where they start.
        frames: What they cover at most.
        next_keyframe: The first frame, going forwards, that another keyframe takes over.
        following: That keyframe, where both are carried as changes and mix within a window.
    """

    keyframe: Key
    frames: FrameRange
    next_keyframe: int
    following: Key | None = None

    def windows(
        self, length: int, is_empty: Callable[[int], bool], pace: Pace | None = None, held: Collection[int] = ()
    ) -> tuple[Window, ...]:
        """Its windows in order, as `plan_windows` has them; those that lie behind the next keyframe
        are left out.

        Args:
            length: Frames that the model sees of a window, at most.
            is_empty: Whether nothing is to be edited on a frame.
            pace: Which frames the model sees; None for all.
            held: Frames that it sees in any case.

        Returns:
            The windows.
        """
        plan = plan_direct if self.keyframe.carried == "direct" else plan_windows
        planned = plan(self.frames, self.keyframe.frame, length, is_empty, pace, held)
        return tuple(window for window in planned if min(window.edited) < self.next_keyframe)


def segment_plans(keyframes: Sequence[Key], frames: FrameRange) -> list[SegmentPlan[Key]]:
    """Divide an edit among its keyframes; at least one, no two on a frame.

    Each goes on to the next one, and the first one back to the start. Two that neither blend as
    changes nor delete go towards each other. A direct edit goes through all frames by itself;
    InputError where there is anything beside it.
    """
    ordered = sorted(keyframes, key=lambda keyframe: keyframe.frame)
    start, stop = frames
    if any(keyframe.carried == "direct" for keyframe in ordered):
        if len(ordered) > 1:
            raise InputError("an edit without a keyframe goes through the clip by itself: leave the keyframes beside it out")
        return [SegmentPlan(ordered[0], frames, stop)]
    plans = []
    for one, two in pairwise(ordered):
        blend = one.carried == two.carried == "change"
        plans.append(SegmentPlan(one, FrameRange(one.frame, stop), two.frame, two if blend else None))
        if not blend and "delete" not in (one.task, two.task):
            plans.append(SegmentPlan(two, FrameRange(one.frame + 1, two.frame + 1), two.frame))
    plans.append(SegmentPlan(ordered[-1], FrameRange(ordered[-1].frame, stop), stop))
    plans.append(SegmentPlan(ordered[0], FrameRange(start, ordered[0].frame + 1), stop))
    return plans


def _one_way(
    direction: Literal["forward", "backward"],
    order: list[int],
    length: int,
    is_empty: Callable[[int], bool],
    pace: Pace | None,
    held: Collection[int],
) -> list[Window]:
    windows = []
    at = 0
    while at < len(order) - 1:
        if is_empty(order[at + 1]):
            at += 1
            continue
        frames, seen = _window(order[at:], length, is_empty, pace, held)
        windows.append(Window(direction, frames, seen))
        at += len(frames) - 1
    return windows


def _window(
    order: list[int], length: int, is_empty: Callable[[int], bool], pace: Pace | None, held: Collection[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The frames of the window that begins with the first of some frames, and those of them that
    the model sees, where these are others.
    """
    seen = () if pace is None else pace.seen(order[0], order[-1], length, held)
    frames = order[: abs(seen[-1] - order[0]) + 1 if seen else length]
    while len(frames) > 1 and is_empty(frames[-1]):
        frames.pop()
    if seen and len(frames) > 1:
        # The next window goes on from the last frame, which is the model's own therefore.
        seen = (*(frame for frame in seen if frame in frames[:-1]), *(frame for frame in seen[1:] if frame == frames[-1]))
        seen = seen if seen[-1] == frames[-1] else (*seen, frames[-1])
    return tuple(frames), seen if len(frames) > 1 else ()
