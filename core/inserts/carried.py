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
