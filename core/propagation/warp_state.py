"""The way from the keyframe to a frame: where each of its pixels comes from. Positions are passed
on, not pixels, so nothing blurs.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.render.flow import sample
from core.render.region import CropRegion

Positions = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Columns and rows, in source pixels."""


@dataclass(frozen=True)
class WarpState:
    """Where a frame's pixels come from in the keyframe.

    Attributes:
        box: The frame's mask box, as its motion was read from it.
        crop: What the model saw of the frame.
        matrix: 3x3, takes a position in the keyframe to the frame, up to `offsets`.
        box_motion: 3x3, the motion of the mask's box by itself, which may stretch more in one
            direction.
        offsets: (h, w, 2) in source pixels, for each pixel of `crop`; added before `matrix` is
            undone.
        colour_shift: (3,), what was added to the colours of the edit.
    """

    box: Box[float]
    crop: CropRegion
    matrix: NDArray[np.float64]
    box_motion: NDArray[np.float64]
    offsets: NDArray[np.float32]
    colour_shift: NDArray[np.float64]

    @classmethod
    def of_keyframe(cls, box: Box[float], crop: CropRegion) -> WarpState:
        """That of the keyframe itself: every pixel stays where it is."""
        return cls(box, crop, np.eye(3), np.eye(3), np.zeros((*crop.working_size, 2), np.float32), np.zeros(3))

    def arrays(self) -> dict[str, NDArray]:
        """All of it as arrays, to be kept in a file. Files of earlier versions have the same names
        and order.
        """
        box, crop = self.box, self.crop
        return {
            "span": np.array([box.y0, box.y1, box.x0, box.x1]),
            "crop": np.array([crop.x, crop.y, crop.width, crop.height, *crop.frame_size, *crop.working_size]),
            "matrix": self.matrix,
            "boxes": self.box_motion,
            "bend": self.offsets,
            "correction": self.colour_shift,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray]) -> WarpState:
        """Read what `arrays` gave."""
        y0, y1, x0, x1 = (float(side) for side in arrays["span"])
        x, y, width, height, *sizes = (int(number) for number in arrays["crop"])
        crop = CropRegion(x, y, width, height, (sizes[0], sizes[1]), (sizes[2], sizes[3]))
        return cls(Box(x0, y0, x1, y1), crop, arrays["matrix"], arrays["boxes"], arrays["bend"], arrays["correction"])

    def origin(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> Positions:
        """The positions in the keyframe of positions in the frame."""
        offsets = sample(self.offsets, *transform(self.crop.matrix, x, y), cv2.INTER_LINEAR)
        return transform(np.linalg.inv(self.matrix), x + offsets[..., 0], y + offsets[..., 1])


def transform(matrix: NDArray, x: NDArray[np.float32], y: NDArray[np.float32]) -> Positions:
    """Where a 3x3 matrix takes positions.

    Args:
        matrix: 3x3, a homography.
        x: Columns, any shape.
        y: Rows, of the same shape.

    Returns:
        The new columns and rows.
    """
    if not is_upright(matrix):
        depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
        depth = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        across = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / depth
        return across.astype(np.float32), ((matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / depth).astype(np.float32)
    return (matrix[0, 0] * x + matrix[0, 2]).astype(np.float32), (matrix[1, 1] * y + matrix[1, 2]).astype(np.float32)


def is_upright(matrix: NDArray) -> bool:
    """Whether a 3x3 motion only shifts and scales along the axes."""
    return not (matrix[0, 1] or matrix[1, 0] or matrix[2, 0] or matrix[2, 1])


def positions_of(crop: CropRegion) -> Positions:
    """The positions in the frame of a crop's pixels, (h, w) each."""
    rows, columns = np.mgrid[: crop.working_size[0], : crop.working_size[1]].astype(np.float32)
    return transform(np.linalg.inv(crop.matrix), columns, rows)
