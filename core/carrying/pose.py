"""How a thing moves as a whole: shift, scale, rotation and tilt from the keyframe to a frame, where
one such motion explains it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.carrying.motion import ThingMotion
from core.carrying.whole import whole_motion

Matrix = NDArray[np.float64]

SHARE = 0.4
"""Of the region that has to be sure."""


class ThingPose:
    """The motion of the whole thing, as its correspondences tell it."""

    def __init__(self, motion: ThingMotion) -> None:
        self._motion = motion
        self._known: dict[int, Matrix | None] = {}

    def at(self, index: int) -> Matrix | None:
        """The motion from the keyframe to a frame.

        Args:
            index: Number of the frame; it has a region.

        Returns:
            3x3, from source pixels of the keyframe to those of the frame; None where the thing has
            no motion as a whole, or too little of it is found again.
        """
        if index not in self._known:
            self._known[index] = self._fitted(index)
        return self._known[index]

    def _fitted(self, index: int) -> Matrix | None:
        found = self._motion.at(index)
        start, end = found.pairs()
        if len(start) < SHARE * max(found.covered, 1):
            return None
        matrix = whole_motion(start, end)
        return None if matrix is None else self._motion.full_size(matrix)
