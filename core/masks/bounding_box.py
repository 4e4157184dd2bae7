"""The box around a mask, in which everything works: most of a frame is empty."""

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
