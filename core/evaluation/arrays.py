"""What the measures take: frames and masks one by one, or whole clips of them, as arrays or as
lists."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.render.flow import DenseFlow, sample

Frame = NDArray[np.uint8]
"""(H, W, 3) RGB."""
Mask = NDArray[np.bool_]
"""(H, W), True = the object, or what is edited."""
Frames = NDArray[np.uint8]
"""(T, H, W, 3)."""
Masks = NDArray[np.bool_]
"""(T, H, W)."""
FrameSequence = Sequence[Frame] | Frames
MaskSequence = Sequence[Mask] | Masks


class BackwardFlow:
    """Dense optical flow (DIS) that tells where pixels came from."""

    def __init__(self) -> None:
        self._flow = DenseFlow(fine=True)

    def motion(self, now: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How far each pixel of the grey picture `now` (H, W) has to go to be found in `other`: (H,
        W, 2), x before y."""
        return self._flow.between(now, other)

    def places(self, now: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Where each pixel of `now` (H, W) lies in `before`: (H, W, 2), x before y."""
        height, width = now.shape
        return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32) + self.motion(now, before)


def looked_up(picture: NDArray, places: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture (H, W) or (H, W, C) read at places (H, W, 2) between its pixels; beyond its edge it
    goes on as at the edge."""
    return np.asarray(sample(picture.astype(np.float32), places[..., 0], places[..., 1]), np.float32)


def gray(frame: Frame) -> NDArray[np.uint8]:
    """Brightness (H, W) of a frame."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
