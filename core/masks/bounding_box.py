"""The box around a mask, in which everything works since most of a frame is empty, and how deep a
pixel lies inside."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box

Mask = NDArray[np.bool_]


def bounding_box(mask: Mask) -> Box[int] | None:
    """The smallest box that holds the mask (H, W); None when it is empty."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    return Box(x, y, x + width, y + height) if width else None


def depth_inside(mask: Mask) -> NDArray[np.float32]:
    """How many pixels lie between each pixel of a mask (H, W) and the nearest one outside it, (H,
    W); 0 outside. What is beyond the picture is outside.
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)[1:-1, 1:-1]
