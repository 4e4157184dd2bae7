"""Where a carried change is no longer supported, and where a further keyframe would help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.propagation.request import EditRequest
from core.propagation.result import EditedWindow

LIMIT = 0.25
"""Share of the region without support from which on a frame is marked."""
BRIDGED = 3
"""Frames between marked ones that are marked with them."""
ENOUGH = 0.9
"""A keyframe is proposed on the first frame that lacks this share of the most that is missing."""


@dataclass(frozen=True)
class Unsupported:
    """Frames on which nothing supports a part of a carried change.

    Attributes:
        start: The first.
        stop: The one after the last.
        share: The most of the region that lacks support on one of them.
        keyframe: The frame on which a further keyframe would help most.
    """

    start: int
    stop: int
    share: float
    keyframe: int


def unsupported_frames(windows: Iterable[Path], request: EditRequest) -> list[Unsupported]:
    """Mark the frames of finished windows.

    Args:
        windows: Their files.
        request: What was edited.

    Returns:
        Runs of frames, in order.
    """
    ordered = sorted(keyframe.frame for keyframe in request.keyframes)
    shares: dict[int, float] = {}
    for path in windows:
        found = EditedWindow.unsupported_in(path)
        # A window is made whole, but beyond the next keyframe it does not count.
        end = next((frame for frame in ordered if found and min(found) < frame <= max(found)), request.frames.stop)
        for frame, share in found.items():
            if frame < end and frame not in ordered:
                shares[frame] = min(share, shares.get(frame, share))
    return runs_of(shares)


def runs_of(shares: dict[int, float]) -> list[Unsupported]:
    """The runs of frames of which too much lacks support, from the share of each frame."""
    marked = sorted(frame for frame, share in shares.items() if share > LIMIT)
    runs: list[list[int]] = []
    for frame in marked:
        if runs and frame - runs[-1][-1] <= BRIDGED:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    result = []
    for run in runs:
        most = max(shares[frame] for frame in run)
        best = next(frame for frame in run if shares[frame] >= ENOUGH * most)
        result.append(Unsupported(run[0], run[-1] + 1, round(most, 3), best))
    return result
