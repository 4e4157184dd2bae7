"""What fills a hole, made to meet what surrounds it: the difference along the rim is carried inward
as a membrane would (Perez et al., Poisson image editing, SIGGRAPH 2003).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.diffusion import diffuse
from core.background.footage import Frame, Mask

RING = 6
"""Pixels around the hole in which both are compared."""
COARSE = 4
"""How many pixels a side are one in the membrane."""
LIMIT = 12.0
"""The most that a pixel is moved, in 8-bit levels: beyond that something else stands there."""


def meet_rim(fill: NDArray, frame: Frame, hole: Mask, usable: Mask) -> Frame:
    """Shift what fills a hole so that it meets the frame around it.

    Args:
        fill: floating (h, w, 3), what fills the hole and goes on around it, in 8-bit levels.
        frame: uint8 (h, w, 3), what is there.
        hole: bool (h, w).
        usable: bool (h, w), where `fill` tells something.

    Returns:
        uint8 (h, w, 3).
    """
    ring = (cv2.dilate(hole.astype(np.uint8), np.ones((2 * RING + 1,) * 2, np.uint8)) > 0) & ~hole & usable
    if ring.any():
        height, width = hole.shape
        size = max(width // COARSE, 2), max(height // COARSE, 2)
        weight = np.asarray(cv2.resize(ring.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
        apart = cv2.resize(np.where(ring[..., None], frame - fill, 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        apart = np.clip(apart / np.maximum(weight, 1e-3)[..., None], -LIMIT, LIMIT)
        carried = cv2.GaussianBlur(diffuse(np.asarray(apart * (weight > 0)[..., None], np.float32), weight), (0, 0), 1.5)
        fill = fill + cv2.resize(carried, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(np.rint(fill), 0, 255).astype(np.uint8)
