"""Where a frame shows something that moves by itself, not with the scene: it is no background to
take from another time.
"""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.camera import Camera
from core.background.footage import Footage
from core.render.flow import DenseFlow

APART = 3
"""Frames between two that are compared."""
STILL, MOVING = 0.8, 2.5
"""Small pixels of own motion between them below which nothing moves, and above which all does."""
SAME, OTHER = 14.0, 34.0
"""8-bit levels of difference below which they show the same, and above which not."""
_KEPT = 240


class Movement:
    """Compares frames with near ones, as the camera's motion lays them on one another. Looks at
    each frame once.
    """

    def __init__(self, footage: Footage, camera: Camera) -> None:
        self._footage, self._camera = footage, camera
        self._known: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()

    def on(self, index: int) -> NDArray[np.float32]:
        """How much each small pixel of a frame moves by itself, float32 (h, w), 0 to 1."""
        if index not in self._known:
            self._known[index] = np.rint(255 * self._compare(index)).astype(np.uint8)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return np.asarray(self._known[index] / 255, np.float32)

    def _compare(self, index: int) -> NDArray[np.float32]:
        footage, shot = self._footage, self._camera.shot(index, APART)
        gray, hole = footage.gray(index), footage.small_hole(index)
        other = next((one for one in (index - APART, index + APART) if one in shot), None)
        if other is None:
            return np.zeros(gray.shape, np.float32)
        matrix, size = self._camera.between(other, index), gray.shape[::-1]
        laid = cv2.warpPerspective(footage.gray(other), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        clear = cv2.warpPerspective((~footage.small_hole(other)).astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
        known = clear & ~hole
        if not known.any():
            return np.zeros(gray.shape, np.float32)
        flow = DenseFlow().between(np.where(known, gray, laid).astype(np.uint8), np.asarray(laid, np.uint8))
        own = np.hypot(*np.moveaxis(flow - np.median(flow[known], 0), -1, 0))
        rows, columns = np.mgrid[: gray.shape[0], : gray.shape[1]].astype(np.float32)
        moved = cv2.remap(laid, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # What moves farther than the flow can follow is another picture.
        other_picture = cv2.GaussianBlur(np.abs(gray.astype(np.float32) - moved), (0, 0), 1.5)
        other_picture = (other_picture - np.median(other_picture[known]) - SAME) / (OTHER - SAME)
        moving = np.clip(np.maximum((own - STILL) / (MOVING - STILL), other_picture), 0, 1)
        moving = np.where(known, moving, 0).astype(np.float32)
        return np.asarray(np.clip(cv2.GaussianBlur(cv2.dilate(moving, np.ones((5, 5), np.uint8)), (0, 0), 2.0), 0, 1), np.float32)
