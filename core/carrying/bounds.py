"""How far around the thing a change is looked for, where the region is wider than that."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.motion import Region
from core.masks import bounding_box

Mask = NDArray[np.bool_]

SHARE = 0.03
"""Of the side of a square as large as the thing: how far around its mask a change may reach."""
LEAST, MOST = 4, 24
"""Pixels that this is at least and at most."""


def reach_around(thing: Mask) -> int:
    """By how many pixels a mask (H, W) may miss the outline of its thing."""
    return int(np.clip(round(SHARE * float(thing.sum()) ** 0.5), LEAST, MOST))


def around(thing: Mask, region: Mask, pixels: int) -> Mask:
    """What lies in a region and at most so far from a thing.

    Args:
        thing: bool (H, W).
        region: bool (H, W).
        pixels: How far.

    Returns:
        bool (H, W).
    """
    box = bounding_box(thing)
    result = np.zeros_like(region)
    if box is not None:
        near = box.grow(pixels + 1, thing.shape)
        apart = cv2.distanceTransform((~near.crop(thing)).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        result[near.slices] = (apart <= pixels) & near.crop(region)
    return result


class ThingBounds:
    """The thing with a few pixels around it on each frame, as far as the region goes."""

    def __init__(self, region: Region, things: Region, keyframe: int) -> None:
        """Look at the keyframe.

        Args:
            region: What may change.
            things: The masks of the thing itself; cover the frames of the region.
            keyframe: A frame that shows it.
        """
        self._region, self._things = region, things
        self._pixels = reach_around(things[keyframe])

    @property
    def frames(self) -> range:
        """Those of the region."""
        return self._region.frames

    def is_empty(self, frame: int) -> bool:
        """Whether nothing may change on a frame."""
        return self._region.is_empty(frame)

    def __getitem__(self, frame: int) -> Mask:
        """The part of the region (H, W) in which the thing lies; all of it where that is not
        known.
        """
        region = self._region[frame]
        known = frame in self._things.frames and not self._things.is_empty(frame)
        near = around(self._things[frame], region, self._pixels) if known else region
        return near if near.any() else region
