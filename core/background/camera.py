"""How the camera moves: a homography between neighbouring frames from features outside the region,
and chains of these within a shot.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.footage import Footage, Mask

Matrix = NDArray[np.float64]

FEATURES = 500
LEAST = 14
"""Features that have to agree."""
AGREE = 1.0
"""Pixels by which they may miss."""
CUT = 34.0
"""A shot ends where neighbours that don't fit differ by this many 8-bit levels on average."""


def fitted(first: NDArray[np.uint8], second: NDArray[np.uint8], unusable: Mask, unusable_second: Mask) -> Matrix | None:
    """The homography between two pictures of a rigid scene.

    Args:
        first: uint8 (h, w), gray.
        second: uint8 (h, w), gray.
        unusable: bool (h, w), where `first` shows nothing of the scene.
        unusable_second: bool (h, w), the same of `second`.

    Returns:
        3x3: where a pixel (x, y, 1) of `first` lies in `second`; None when too few features agree.
    """
    points = cv2.goodFeaturesToTrack(first, FEATURES, 0.005, 5, mask=(~unusable).astype(np.uint8), blockSize=5)
    if points is None or len(points) < LEAST:
        return None
    flow = {"winSize": (15, 15), "maxLevel": 4}
    moved, found, _ = cv2.calcOpticalFlowPyrLK(first, second, points, None, **flow)  # type: ignore[call-overload]
    back, again, _ = cv2.calcOpticalFlowPyrLK(second, first, moved, None, **flow)  # type: ignore[call-overload]
    start, end, back = points[:, 0], moved[:, 0], back[:, 0]
    height, width = second.shape
    columns, rows = np.rint(end[:, 0]).astype(int), np.rint(end[:, 1]).astype(int)
    good = (found[:, 0] > 0) & (again[:, 0] > 0) & (np.abs(start - back).max(1) < 0.7)
    good &= (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    good[good] = ~unusable_second[rows[good], columns[good]]
    if good.sum() < LEAST:
        return None
    matrix, agree = cv2.findHomography(start[good], end[good], cv2.USAC_MAGSAC, AGREE, maxIters=1000, confidence=0.999)
    if matrix is None or agree.sum() < max(LEAST, 0.25 * good.sum()) or not _sane(matrix, width, height):
        return None
    return matrix / matrix[2, 2]


def _sane(matrix: Matrix, width: int, height: int) -> bool:
    """Whether the picture keeps its orientation and about its size."""
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float) @ matrix.T
    if (corners[:, 2] <= 1e-6).any():
        return False
    x, y = (corners[:, :2] / corners[:, 2:]).T
    area = 0.5 * float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    return 0.25 < area / (width * height) < 4


class Camera:
    """Where the frames of a clip lie beside each other, in small pixels. Looks at each pair of
    neighbours once.
    """

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._steps: dict[int, Matrix] = {}
        self._cuts: dict[int, bool] = {}

    def step(self, index: int) -> Matrix:
        """3x3 from frame `index` to the one before it."""
        if index not in self._steps:
            self._look(index)
        return self._steps[index]

    def starts_shot(self, index: int) -> bool:
        """Whether a shot begins with this frame."""
        if index <= self._footage.range.start:
            return True
        if index not in self._cuts:
            self._look(index)
        return self._cuts[index]

    def between(self, source: int, target: int) -> Matrix:
        """3x3 from the pixels of frame `source` to those of frame `target`, which lies in the same
        shot.
        """
        matrix = np.eye(3)
        for index in range(source, target, -1):
            matrix = self.step(index) @ matrix
        for index in range(source + 1, target + 1):
            matrix = np.linalg.inv(self.step(index)) @ matrix
        return matrix / matrix[2, 2]

    def motion(self, index: int) -> tuple[float, float]:
        """How far the scene moves from a frame to the next around its hole, (x, y) in small
        pixels.
        """
        known = self._footage.range
        near = index if index > known.start else index + 1
        if near not in known or self.starts_shot(near):
            return 0.0, 0.0
        ys, xs = np.nonzero(self._footage.small_hole(index))
        if not len(ys):
            return 0.0, 0.0
        middle = np.array([xs.mean(), ys.mean(), 1.0])
        moved = self.step(near) @ middle
        return float(moved[0] / moved[2] - middle[0]), float(moved[1] / moved[2] - middle[1])

    def shot(self, index: int, reach: int) -> range:
        """The frames around `index` in its shot, `reach` to each side at most."""
        known = self._footage.range
        start = stop = index
        while start > max(known.start, index - reach) and not self.starts_shot(start):
            start -= 1
        while stop + 1 < min(known.stop, index + reach + 1) and not self.starts_shot(stop + 1):
            stop += 1
        return range(start, stop + 1)

    def _look(self, index: int) -> None:
        footage = self._footage
        one, two = footage.gray(index), footage.gray(index - 1)
        matrix = fitted(one, two, footage.small_hole(index), footage.small_hole(index - 1))
        self._cuts[index] = False
        if matrix is None:
            difference = np.abs(one.astype(np.int16) - two).mean()
            self._cuts[index] = bool(difference > CUT)
            matrix = np.eye(3)
        self._steps[index] = matrix
