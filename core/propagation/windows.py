"""Cuts a span into the windows of a propagation. Pure Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Window:
    """Frames of one run of the model, in the order it sees them. The first is the bridge: edited already, only read."""

    direction: Literal["forward", "backward"]
    frames: tuple[int, ...]

    @property
    def bridge(self) -> int:
        return self.frames[0]

    @property
    def edited(self) -> tuple[int, ...]:
        """The frames that this window makes."""
        return self.frames[1:]


def plan_windows(span: tuple[int, int], keyframe: int, length: int, is_empty: Callable[[int], bool]) -> list[Window]:
    """Windows of at most `length` frames that carry `keyframe` to both ends of the half-open `span`: forwards first, then backwards.

    Stretches where nothing is to be edited (`is_empty(frame)`) are stepped over: they belong to no window, and the next window starts
    from the untouched frame before something is to be edited again.
    """
    start, stop = span
    return [
        *_one_way("forward", list(range(keyframe, stop)), length, is_empty),
        *_one_way("backward", list(range(keyframe, start - 1, -1)), length, is_empty),
    ]


def _one_way(direction: Literal["forward", "backward"], order: list[int], length: int, is_empty: Callable[[int], bool]) -> list[Window]:
    windows = []
    bridge = 0
    while bridge < len(order) - 1:
        if is_empty(order[bridge + 1]):
            bridge += 1
            continue
        frames = order[bridge : bridge + length]
        while is_empty(frames[-1]):
            frames.pop()
        windows.append(Window(direction, tuple(frames)))
        bridge += len(frames) - 1
    return windows
