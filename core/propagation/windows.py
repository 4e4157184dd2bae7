"""Divides frames into the windows of a propagation. Pure Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.geometry import FrameRange


@dataclass(frozen=True)
class Window:
    """Frames of one run of the model, in the order it sees them. The first conditions the others:
    it is edited already, and only read.
    """

    direction: Literal["forward", "backward"]
    frames: tuple[int, ...]

    @property
    def conditioning_frame(self) -> int:
        return self.frames[0]

    @property
    def edited(self) -> tuple[int, ...]:
        """The frames that this window makes: all but the conditioning frame."""
        return self.frames[1:]


def plan_windows(frames: FrameRange, keyframe: int, length: int, is_empty: Callable[[int], bool]) -> list[Window]:
    """Divide the frames around a keyframe into windows.

    Frames where nothing is to be edited are stepped over: they belong to no window, and the next
    window starts from the untouched frame before something is to be edited again.

    Args:
        frames: All frames to edit.
        keyframe: Where the windows start, inside `frames`.
        length: Frames of a window at most.
        is_empty: Whether nothing is to be edited on a frame.

    Returns:
        Windows from the keyframe to the end, then those from the keyframe back to the start.
    """
    start, stop = frames
    return [
        *_one_way("forward", list(range(keyframe, stop)), length, is_empty),
        *_one_way("backward", list(range(keyframe, start - 1, -1)), length, is_empty),
    ]


def _one_way(direction: Literal["forward", "backward"], order: list[int], length: int, is_empty: Callable[[int], bool]) -> list[Window]:
    windows = []
    at = 0
    while at < len(order) - 1:
        if is_empty(order[at + 1]):
            at += 1
            continue
        frames = order[at : at + length]
        while is_empty(frames[-1]):
            frames.pop()
        windows.append(Window(direction, tuple(frames)))
        at += len(frames) - 1
    return windows
