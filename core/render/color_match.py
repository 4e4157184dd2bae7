"""Bring the low-frequency colour of edited pixels in line with what surrounds the region, so that
its outline does not show.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

RING = 10
"""Width of the ring around the region that is compared, in pixels at GRID."""
LIMIT = 24.0
"""The most that any pixel is shifted, in 8-bit levels: a model that spoiled the surroundings must
not tint the region.
"""
SIGMAS = (4, 12, 36)
"""Widths of the Gaussians that carry the difference inwards, in pixels at GRID."""
GRID = 128
"""The comparison runs on images of about this many pixels a side; what it finds is smooth."""


def match_surroundings(edited: NDArray[np.uint8], source: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Shift `edited` smoothly so that it agrees with `source` (both (h, w, 3)) in a ring around
    `mask` (h, w).

    A model repaints what it was told to keep as well, with the blur and tint of its autoencoder;
    how far off it is there tells how far off it is at the region's edge. The difference in the ring
    is carried inwards by Gaussians of growing width, the narrow ones weighing most (Shepard's
    method on blurred weights).

    Args:
        edited: (h, w, 3).
        source: (h, w, 3).
        mask: (h, w), True = edit.

    Returns:
        The shifted picture.
    """
    height, width = mask.shape
    scale = max(1.0, max(height, width) / GRID)
    small = (max(round(width / scale), 1), max(round(height / scale), 1))
    covered = mask.astype(np.uint8)
    near = cv2.dilate(covered, np.ones((2 * round(RING * scale) + 1,) * 2, np.uint8)) - covered
    difference = (source.astype(np.float32) - edited) * near[..., None]
    weight = cv2.resize(near.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    difference = cv2.resize(difference, small, interpolation=cv2.INTER_AREA)
    total = sum(cv2.GaussianBlur(weight, (0, 0), sigma) / sigma**2 for sigma in SIGMAS)
    carried = sum(cv2.GaussianBlur(difference, (0, 0), sigma) / sigma**2 for sigma in SIGMAS)
    inward = np.clip(carried / np.maximum(total, 1e-6)[..., None], -LIMIT, LIMIT)
    offset = cv2.resize(inward, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(np.rint(edited + offset), 0, 255).astype(np.uint8)
