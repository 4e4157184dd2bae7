"""How soft the edge of a region is: one width for all of it, or another for each object.

A region is the union of its objects and has one edge, so where two of them touch there is no seam.
Each object's own width holds for the part of that edge which lies in it, and where several lie over
one another the least: what is to be covered to its very edge stays so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks.bounding_box import bounding_box, Mask
from core.masks.sequence import MaskSequence

Widths = float | NDArray[np.uint8] | NDArray[np.float64]
"""How wide the edge of one frame is, in pixels: the same everywhere, or (H, W) for each pixel of
the region.
"""

OUTSIDE = 255
"""What such an array says outside the region: more than any width, so that the least of a
neighbourhood is that of the region in it.
"""


@dataclass(frozen=True)
class Feather:
    """How wide the soft edge of a region is on every frame: `pixels` everywhere, unless there are
    `parts`.

    `parts` are (pixels, where), one for each width that there is, ascending: where on a frame the
    edge has that width. Together they are the region, and no pixel is in two.
    """

    pixels: int = 4
    parts: tuple[tuple[int, MaskSequence], ...] = ()

    def at(self, frame: int) -> Widths:
        """The widths of one frame; a number where the whole region has the same on it."""
        there = self._on(frame)
        if len(there) < 2:
            return there[0][0] if there else self.pixels
        objects = [(masks[frame], pixels) for pixels, masks in there]
        return feather_of_objects(objects, objects[0][0].shape)[1]

    def code(self, frame: int) -> bytes:
        """What `at` comes to inside a given region, for the names of what depends on it: equal
        exactly where that is.
        """
        there = self._on(frame)
        if len(there) < 2:
            return str(self.at(frame)).encode()
        return b"".join(b"%d:%d:" % (pixels, len(code := masks.code(frame))) + code for pixels, masks in there)

    def _on(self, frame: int) -> list[tuple[int, MaskSequence]]:
        return [(pixels, masks) for pixels, masks in self.parts if not masks.is_empty(frame)]


def feather_of_objects(objects: Iterable[tuple[Mask, int]], shape: tuple[int, ...]) -> tuple[Mask, Widths]:
    """The union of objects, bool (H, W) each, with the widths of their own edges; the least where
    several lie over one another.

    All False of `shape` (H, W) for no objects.
    """
    region = np.zeros(shape, np.bool_)
    by_width: dict[int, Mask] = {}
    for mask, pixels in objects:
        region |= mask
        by_width[pixels] = by_width[pixels] | mask if pixels in by_width else mask
    if len(by_width) < 2:
        return region, next(iter(by_width), 0)
    widths = np.full(shape, OUTSIDE, np.uint8)
    for pixels in sorted(by_width, reverse=True):
        np.copyto(widths, pixels, where=by_width[pixels])
    return region, widths


def feather_alpha(mask: Mask, pixels: Widths) -> NDArray[np.float32]:
    """Alpha of the composite: 0 exactly outside the mask, rising over `pixels` pixels inside it to
    1. (H, W), or of one width (T, H, W).
    """
    frames = mask if mask.ndim == 3 else mask[None]
    alpha = np.zeros(frames.shape, np.float32)
    for source, target in zip(frames, alpha, strict=True):
        box = bounding_box(source)
        if box is not None:
            room = box.grow(1, source.shape)
            room.crop(target)[:] = _ramp(room.crop(source), room.crop(pixels) if isinstance(pixels, np.ndarray) else pixels)
    return alpha if mask.ndim == 3 else alpha[0]


def _ramp(mask: Mask, pixels: float | NDArray) -> NDArray[np.floating | np.bool_]:
    """min(1, distance to the outside / (pixels + 1)); `mask` itself where there is nothing to
    soften.
    """
    if np.max(pixels) <= 0 or mask.all():
        return mask
    # within 2 % of Euclidean, which a soft edge doesn't need better, at a third of the time
    distance: NDArray = cv2.distanceTransform(np.ascontiguousarray(mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    distance *= (1 / (np.asarray(pixels, np.float64) + 1)).astype(np.float32)
    return np.minimum(distance, np.float32(1), out=distance)
