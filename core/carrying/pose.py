"""How a thing moves as a whole: shift, scale, rotation and tilt from the keyframe to a frame, where
one such motion explains it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.motion import Correspondence, ThingMotion

Matrix = NDArray[np.float64]

SURE = 0.5
"""Trust from which on a correspondence counts."""
LEAST, MOST = 60, 3000
"""Correspondences that are needed, and that are used."""
SHARE = 0.4
"""Of the region that has to be sure."""
MISS = 2.0
"""Small pixels by which they may miss the motion."""
AGREE = 0.75
"""The share that has to agree with one motion of the whole."""
BETTER = 0.08
"""How many more have to agree with a tilt to take it for one."""


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
        start, end = _pairs(found)
        if len(start) < LEAST or len(start) < SHARE * max(found.covered, 1):
            return None
        step = max(1, len(start) // MOST)
        start, end = np.ascontiguousarray(start[::step]), np.ascontiguousarray(end[::step])
        cv2.setRNGSeed(0)  # its samples are drawn at random
        rigid, agree = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=MISS)
        if rigid is None:
            return None
        matrix, share = np.vstack([rigid, (0, 0, 1)]), float(agree.mean())
        if share < AGREE + BETTER:
            tilted, agree = cv2.findHomography(start, end, cv2.USAC_MAGSAC, MISS)
            if tilted is not None and float(agree.mean()) > share + BETTER and _sane(np.asarray(tilted, np.float64), start):
                matrix, share = tilted / tilted[2, 2], float(agree.mean())
        return self._motion.full_size(matrix) if share >= AGREE else None


def _pairs(found: Correspondence) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sure places on the keyframe and on the frame, (N, 2) each, in small pixels."""
    rows, columns = np.nonzero(found.sure > SURE)
    end = np.stack([columns + found.box.x0, rows + found.box.y0], -1).astype(np.float32)
    return found.origin[rows, columns].astype(np.float32), end


def _sane(matrix: Matrix, start: NDArray[np.float32]) -> bool:
    """Whether a tilt keeps the thing's orientation and no part of it is near the horizon."""
    depth = start @ matrix[2, :2] + matrix[2, 2]
    return bool(np.linalg.det(matrix[:2, :2]) > 0 and depth.min() > 0.4 * depth.max() > 0)
