"""The motion of a thing as a whole: shift, scale, rotation and tilt, where one such motion explains
most of what is found again of it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Floats = NDArray[np.float32]

LEAST, MOST = 60, 3000
"""Correspondences that are needed, and that are used."""
MISS = 2.0
"""Pixels by which they may miss the motion."""
AGREE = 0.75
"""The share that has to agree with one motion of the whole."""
BETTER = 0.08
"""How many more have to agree with a tilt to take it for one."""


def whole_motion(start: Floats, end: Floats, miss: float = MISS) -> Matrix | None:
    """Fit one motion to correspondences.

    Args:
        start: (N, 2), places (x, y) on one picture, in pixels.
        end: (N, 2), the same on another.
        miss: Pixels by which they may miss the motion.

    Returns:
        3x3, from the one to the other; None where too few agree with one.
    """
    if len(start) < LEAST:
        return None
    step = max(1, len(start) // MOST)
    start, end = np.ascontiguousarray(start[::step]), np.ascontiguousarray(end[::step])
    cv2.setRNGSeed(0)  # its samples are drawn at random
    rigid, agree = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=miss)
    if rigid is None:
        return None
    matrix, share = np.vstack([rigid, (0, 0, 1)]), float(agree.mean())
    if share < AGREE + BETTER:
        tilted, agree = cv2.findHomography(start, end, cv2.USAC_MAGSAC, miss)
        if tilted is not None and float(agree.mean()) > share + BETTER and _sane(np.asarray(tilted, np.float64), start):
            matrix, share = tilted / tilted[2, 2], float(agree.mean())
    return np.asarray(matrix, np.float64) if share >= AGREE else None


def _sane(matrix: Matrix, start: Floats) -> bool:
    """Whether a tilt keeps the thing's orientation and no part of it is near the horizon."""
    depth = start @ matrix[2, :2] + matrix[2, 2]
    return bool(np.linalg.det(matrix[:2, :2]) > 0 and depth.min() > 0.4 * depth.max() > 0)
