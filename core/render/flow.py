"""Dense optical flow between two pictures of any size, and pictures read where it leads."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST = 32
"""Pixels a side below which OpenCV's DIS flow fails, or brings the program down, at one or another
length of the other side.
"""


class DenseFlow:
    """OpenCV's DIS optical flow (Kroeger et al. 2016). `fine` is slower and more exact, `exact`
    goes down to single pixels.
    """

    def __init__(self, *, fine: bool = False, exact: bool = False) -> None:
        preset = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM if fine else cv2.DISOPTICAL_FLOW_PRESET_FAST
        self._flow = cv2.DISOpticalFlow.create(preset)
        if exact:
            self._flow.setFinestScale(0)

    def between(self, one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Where each pixel of `one`, uint8 (h, w), lies in `two`, as an offset (x, y) in pixels:
        float32 (h, w, 2).
        """
        height, width = one.shape
        missing = max(LEAST - height, 0), max(LEAST - width, 0)
        first, second = (np.ascontiguousarray(np.pad(each, ((0, missing[0]), (0, missing[1])), "symmetric")) for each in (one, two))
        flow = self._flow.calc(first, second, np.zeros((*first.shape, 2), np.float32))
        return np.asarray(flow, np.float32)[:height, :width]


def sample(image: NDArray, x: NDArray[np.float32], y: NDArray[np.float32], interpolation: int = cv2.INTER_LINEAR) -> NDArray:
    """The values of an image at fractional positions; beyond its border those on the border.

    Args:
        image: (H, W) or (H, W, C).
        x: Columns, (h, w).
        y: Rows, (h, w).
        interpolation: One of OpenCV's.

    Returns:
        (h, w) or (h, w, C).
    """
    return cv2.remap(image, np.ascontiguousarray(x), np.ascontiguousarray(y), interpolation, borderMode=cv2.BORDER_REPLICATE)
