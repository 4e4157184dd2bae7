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
    start, end = thinned(start, end)
    found = rigid_motion(start, end, miss)
    if found is None:
        return None
    matrix, share = found
    if share < AGREE + BETTER:
        tilted = tilted_motion(start, end, miss)
        if tilted is not None and tilted[1] > share + BETTER:
            matrix, share = tilted
    return matrix if share >= AGREE else None


def thinned(start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """As many correspondences (N, 2) as are used, evenly."""
    step = max(1, len(start) // MOST)
    return np.ascontiguousarray(start[::step]), np.ascontiguousarray(end[::step])


def rigid_motion(start: Floats, end: Floats, miss: float = MISS) -> tuple[Matrix, float] | None:
    """The shift, turn and scale that most correspondences agree with.

    Args:
        start: (N, 2), places (x, y) on one picture, in pixels.
        end: (N, 2), the same on another.
        miss: Pixels by which they may miss it.

    Returns:
        3x3, and the share that agrees; None where there is none.
    """
    cv2.setRNGSeed(0)  # its samples are drawn at random
    rigid, agree = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=miss)
    return None if rigid is None else (np.asarray(np.vstack([rigid, (0, 0, 1)]), np.float64), float(agree.mean()))


def tilted_motion(start: Floats, end: Floats, miss: float = MISS) -> tuple[Matrix, float] | None:
    """The motion of a plane, with its tilt, that most correspondences agree with.

    Args:
        start: (N, 2), places (x, y) on one picture, in pixels.
        end: (N, 2), the same on another.
        miss: Pixels by which they may miss it.

    Returns:
        3x3, and the share that agrees; None where there is none that could be one.
    """
    tilted, agree = cv2.findHomography(start, end, cv2.USAC_MAGSAC, miss)
    if tilted is None or not _sane(np.asarray(tilted, np.float64), start):
        return None
    return np.asarray(tilted / tilted[2, 2], np.float64), float(agree.mean())


def _sane(matrix: Matrix, start: Floats) -> bool:
    """Whether a tilt keeps the thing's orientation and no part of it is near the horizon."""
    depth = start @ matrix[2, :2] + matrix[2, 2]
    return bool(np.linalg.det(matrix[:2, :2]) > 0 and depth.min() > 0.4 * depth.max() > 0)
