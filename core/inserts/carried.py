"""An insert on its keyframe, and with all that is known of it on the other frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.inserts.picture import Picture
from core.masks import MaskSequence
from core.project.inserts import Insert

Mask = NDArray[np.bool_]
CornerPath = dict[int, NDArray[np.float64]]
"""By frame the four corners, (4, 2), in source pixels; none where the insert is not shown."""

DIGITS = 3
"""Decimals of a corner on the way: what is stored is what is drawn."""
MOST_PLACES = 25
"""On the way of an insert while the shutter is open."""
FARTHEST_STEP = 0.25
"""Of the frame's longer side: what moves farther from one frame to the next has jumped."""
SEEN = 1 / 255
"""Alpha from which on a pixel is the insert's."""


@dataclass(frozen=True)
class LaidInsert:
    """An insert as it lies on its keyframe; `picture` is uint8 (h, w, 4)."""

    insert: Insert
    picture: Picture
    keyframe: int


@dataclass(frozen=True)
class CarriedInsert:
    """An insert with all that is known of it on the frames of a clip.

    Attributes:
        insert: As it was laid on its keyframe.
        picture: uint8 (h, w, 4).
        path: Its corners by frame.
        front: What passes before it; None where nothing does.
    """

    insert: Insert
    picture: Picture
    path: CornerPath
    front: MaskSequence | None = None

    def places(self, frame: int, size: tuple[int, int]) -> list[NDArray[np.float64]]:
        """Where its corners lie one after the other while a frame of (W, H) is exposed; one place
        where its motion does not blur it, none where it is not shown.
        """
        corners = self.path.get(frame)
        if corners is None or not self.insert.shutter:
            return [] if corners is None else [corners]
        steps = [self._step(frame, way, FARTHEST_STEP * max(size)) for way in (-1, 1)]
        back, on = (step if step is not None else other for step, other in ((steps[0], steps[1]), (steps[1], steps[0])))
        if back is None or on is None:
            return [corners]
        half = self.insert.shutter / 2
        reach = half * (np.abs(back).max() + np.abs(on).max())
        count = min(MOST_PLACES, 2 * int(np.ceil(reach / 2)) + 1)
        return [corners + half * abs(when) * (on if when > 0 else -back) for when in np.linspace(-1, 1, count)] if count > 1 else [corners]

    def _step(self, frame: int, way: int, most: float) -> NDArray[np.float64] | None:
        """How its corners move from the frame before to a frame, or (way 1) from it to the next."""
        other = self.path.get(frame + way)
        step = None if other is None else (other - self.path[frame]) * way
        return None if step is None or np.abs(step).max() > most else step

    def before(self, frame: int) -> Mask | None:
        """What hides a part of it on a frame, bool (H, W); None where nothing does."""
        if self.front is None or frame not in self.front.frames or self.front.is_empty(frame):
            return None
        return self.front[frame]


def encode_path(path: CornerPath) -> dict[str, Any]:
    """A path as JSON knows it."""
    return {str(frame): np.round(corners, DIGITS).tolist() for frame, corners in sorted(path.items())}


def decode_path(value: Any) -> CornerPath:
    """Read back what `encode_path` gave. InputError for what is no path."""
    try:
        path = {int(frame): np.array(corners, np.float64) for frame, corners in value.items()}
    except (AttributeError, TypeError, ValueError):
        raise InputError("the path of a picture is damaged: propagate again") from None
    if not all(corners.shape == (4, 2) and np.isfinite(corners).all() for corners in path.values()):
        raise InputError("the path of a picture is damaged: propagate again")
    return path
