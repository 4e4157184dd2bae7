"""How far around the thing a change is looked for, where the region is wider than that."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.motion import Frame, Mask, Region
from core.masks import bounding_box

ROOM = 4
"""Pixels around the thing's outline in which its change may end."""
FEW = 0.98
"""Share of what a mask misses that is looked for on other frames too."""
MOST = 48
"""Pixels by which a mask may miss a part of its thing at most."""
PART = 5
"""Pixels that a missed part is broad at least."""
CHANGED = 10
"""8-bit levels from which on a pixel is changed."""
SPECK = 3
"""Pixels that are changed side by side at least."""


def changed_thing(source: Frame, picture: Frame, region: Mask, thing: Mask) -> Mask:
    """The thing as a keyframe shows it: its mask, and what is changed beside it and connected to
    it, since a mask that was tracked may miss some.

    Args:
        source: uint8 (H, W, 3), the frame.
        picture: uint8 (H, W, 3), the frame as it was accepted.
        region: bool (H, W).
        thing: bool (H, W), the thing's own mask.

    Returns:
        bool (H, W).
    """
    changed = ((cv2.absdiff(source, picture).max(-1) > CHANGED) & region).astype(np.uint8)
    changed = cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((SPECK, SPECK), np.uint8))
    whole = (changed > 0) & around(thing, region, MOST) | (thing & region)
    _, labels = cv2.connectedComponents(whole.astype(np.uint8))
    return np.asarray(whole & np.isin(labels, np.unique(labels[thing & region])))


def reach_of(own: Mask, thing: Mask) -> int:
    """By how many pixels the mask of a thing, (H, W), misses what a keyframe shows of it; at least
    ROOM.
    """
    missed = own & ~thing
    if not missed.any():
        return ROOM
    apart = cv2.distanceTransform((~thing).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[missed]
    return int(np.clip(np.ceil(np.quantile(apart, FEW)) + 1, ROOM, MOST))


def missed_parts(own: Mask, thing: Mask) -> NDArray[np.float32]:
    """The parts of a thing that its mask misses, with a few pixels of the thing around them.

    Args:
        own: bool (H, W), the thing as a keyframe shows it.
        thing: bool (H, W), its mask there.

    Returns:
        float32 (H, W), 1 in them and 0 elsewhere.
    """
    missed = cv2.morphologyEx((own & ~thing).astype(np.uint8), cv2.MORPH_OPEN, np.ones((PART, PART), np.uint8)) > 0
    return (around(missed, own, 2 * ROOM)).astype(np.float32)


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

    def __init__(self, region: Region, things: Region, pixels: int = ROOM) -> None:
        """Look at no frame yet.

        Args:
            region: What may change.
            things: The masks of the thing itself.
            pixels: How far around these it is looked for.
        """
        self._region, self._things, self._pixels = region, things, pixels

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
