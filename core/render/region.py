"""The region of interest: which rectangle of the frame the model sees, and how it gets there and
back.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.geometry import Box
from core.masks import bounding_box
from core.render.composite import composite

MARGIN = 0.3
"""Context around the mask's box on every side, as a share of the box's longer side."""
LEAST_MARGIN = 0.1
"""The context that is worth reaching beyond the frame for."""
ENLARGEMENT = 2
"""How many times a small region is enlarged at most: a model that works on few pixels gives them
more of its own.
"""


@dataclass(frozen=True)
class CropRegion:
    """A rectangle of source pixels with exactly the working size's aspect.

    It may reach beyond the frame where the frame is too small; `crop` repeats the frame's edge
    there and `paste` leaves it out. `working_size` is (height, width), `frame_size` (width,
    height).
    """

    x: int
    y: int
    width: int
    height: int
    frame_size: tuple[int, int]
    working_size: tuple[int, int]

    @property
    def inside(self) -> Box[int]:
        """The part that lies inside the frame, in source pixels."""
        return Box(self.x, self.y, self.x + self.width, self.y + self.height).clipped(self.frame_size[::-1])

    @property
    def matrix(self) -> NDArray[np.float64]:
        """3x3: where a source pixel (x, y, 1) lies in the crop. Pixel centres are at whole numbers
        on both sides.
        """
        height, width = self.working_size
        scale_x, scale_y = width / self.width, height / self.height
        return np.array([[scale_x, 0, (0.5 - self.x) * scale_x - 0.5], [0, scale_y, (0.5 - self.y) * scale_y - 0.5], [0, 0, 1]], np.float64)

    def crop(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) -> uint8 (h, w, 3) at the working size; shrinking averages, so nothing
        aliases.
        """
        return self._resize(self._extract(frame, cv2.BORDER_REPLICATE), shrinking=cv2.INTER_AREA, growing=cv2.INTER_CUBIC)

    def crop_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool (H, W) -> bool (h, w): a working pixel is set when any source pixel under it is.
        False beyond the frame.
        """
        share = self._extract(mask.astype(np.float32), cv2.BORDER_CONSTANT)
        # A linear filter that is a little above 0 wherever a set pixel contributes keeps thin and
        # small masks alive.
        return self._resize(share, shrinking=cv2.INTER_AREA, growing=cv2.INTER_LINEAR) > 1e-3

    def enlarge(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 (h, w, 3) -> the part of the region inside the frame, at source resolution."""
        method = cv2.INTER_CUBIC if self.width >= crop.shape[1] else cv2.INTER_AREA
        full = np.asarray(cv2.resize(crop, (self.width, self.height), interpolation=method), np.uint8)
        return self.inside.moved(-self.x, -self.y).crop(full)

    def over(self, frame: NDArray[np.uint8], crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of `frame` (H, W, 3) with the whole crop (h, w, 3) laid over it."""
        result = frame.copy()
        self.inside.crop(result)[:] = self.enlarge(crop)
        return result

    def paste(self, frame: NDArray[np.uint8], crop: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
        """A copy of `frame` with the crop blended in by `alpha` (H, W) in [0, 1]; exactly the frame
        where alpha is 0 or no crop reaches.

        Args:
            frame: uint8 (H, W, 3).
            crop: uint8 (h, w, 3) at the working size.
            alpha: (H, W) in [0, 1].

        Returns:
            A new frame.

        Raises:
            ValueError: The frame has another size than the region's.
        """
        self._check(frame)
        inside, result = self.inside, frame.copy()
        inside.crop(result)[:] = composite(inside.crop(frame), self.enlarge(crop), inside.crop(alpha))
        return result

    def _check(self, frame: NDArray) -> None:
        if frame.shape[:2] != (self.frame_size[1], self.frame_size[0]):
            raise ValueError(
                f"a region of {self.frame_size[0]}x{self.frame_size[1]} frames can't crop one of {frame.shape[1]}x{frame.shape[0]}"
            )

    def _extract(self, frame: NDArray, border: int) -> NDArray:
        self._check(frame)
        x0, y0, x1, y1 = self.inside
        part = frame[y0:y1, x0:x1]
        pads = (y0 - self.y, self.y + self.height - y1, x0 - self.x, self.x + self.width - x1)
        return cv2.copyMakeBorder(part, *pads, border, value=0) if any(pads) else part

    def _resize(self, image: NDArray, shrinking: int, growing: int) -> NDArray:
        height, width = self.working_size
        if image.shape[:2] == (height, width):
            return np.ascontiguousarray(image)
        return cv2.resize(image, (width, height), interpolation=shrinking if self.width > width else growing)


def plan_region(
    boxes_or_masks: Iterable[Box[int] | NDArray[np.bool_] | None],
    frame_size: tuple[int, int],
    working_size: tuple[int, int],
    margin: float = MARGIN,
) -> CropRegion:
    """The rectangle that the model should see to edit these masks (H, W) or boxes of one window.

    The union of them with context around it; small ones are enlarged ENLARGEMENT times at most;
    inside the frame where the union fits with little context, else no larger than it takes to cover
    the frame. `frame_size` is (width, height), `working_size` (height, width). InputError when all
    of them are empty.

    Args:
        boxes_or_masks: Boxes, or masks bool (H, W), of one window; None where nothing is edited.
        frame_size: (width, height) in pixels.
        working_size: (height, width) of what the model sees.
        margin: Context on every side, as a share of the longer side.

    Returns:
        The region.

    Raises:
        InputError: All of them are empty, or a box lies outside the frame.
    """
    known = [box for item in boxes_or_masks if (box := _box(item)) is not None]
    if not known:
        raise InputError("the region to edit is empty on every frame: select something that is to be seen")
    whole = functools.reduce(Box.union, known)
    x0, y0, x1, y1 = whole
    frame_width, frame_height = frame_size
    if not (0 <= x0 < x1 <= frame_width and 0 <= y0 < y1 <= frame_height):
        raise InputError(f"the box {x0},{y0},{x1},{y1} is empty or outside the frame of {frame_width}x{frame_height}")

    height, width = working_size
    common = math.gcd(height, width)
    unit_h, unit_w = height // common, width // common  # the smallest integer rectangle of the working aspect

    def count(margin: float) -> float:
        context = 2 * margin * max(whole.width, whole.height)
        return max((whole.width + context) / unit_w, (whole.height + context) / unit_h, common / ENLARGEMENT)

    fits = min(frame_width // unit_w, frame_height // unit_h)
    covers = max(frame_width / unit_w, frame_height / unit_h, common / ENLARGEMENT)
    units = math.ceil(min(count(margin), max(fits, count(min(margin, LEAST_MARGIN))), covers))
    return sided_region(whole, units * unit_w, frame_size, working_size)


def sided_region(box: Box[int], width: int, frame_size: tuple[int, int], working_size: tuple[int, int]) -> CropRegion:
    """The crop at least `width` wide, in the working aspect, around the middle of `box`: inside the
    frame where it fits.

    Args:
        box: Whose middle counts.
        width: Pixels, at least.
        frame_size: (width, height) in pixels.
        working_size: (height, width) of what the model sees.

    Returns:
        The region.
    """
    common = math.gcd(*working_size)
    unit_h, unit_w = working_size[0] // common, working_size[1] // common
    units = -(-width // unit_w)
    x = _place((box.x0 + box.x1) / 2, units * unit_w, frame_size[0])
    y = _place((box.y0 + box.y1) / 2, units * unit_h, frame_size[1])
    return CropRegion(x, y, units * unit_w, units * unit_h, frame_size, working_size)


def _box(item: Box[int] | NDArray[np.bool_] | None) -> Box[int] | None:
    return bounding_box(item) if isinstance(item, np.ndarray) else item


def _place(centre: float, length: int, available: int) -> int:
    """Start of a stretch of `length` around `centre`: inside the frame where it fits, else with the
    frame in its middle.
    """
    if length >= available:
        return (available - length) // 2
    return min(max(round(centre - length / 2), 0), available - length)
