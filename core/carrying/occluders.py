"""What passes before a rigid thing: it stays in front of what takes the thing's place."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.colours import Palette
from core.carrying.motion import compared, Frame, Mask
from core.carrying.pose import ThingPose
from core.masks import bounding_box, depth_inside

Floats = NDArray[np.float32]

CORE = 0.25
"""Of the region's depth on the keyframe, from where on it surely shows the thing."""
AROUND = 40
"""Pixels around the region whose colours are those of what is around the thing."""
APART = 40.0
"""8-bit levels by which a pixel differs from the thing's own that is something before it."""
LIKELY = 0.35
"""How likely its colour may be the thing's at most."""
LIGHT_REACH = 12.0
SAME = 0.92
"""How likely a colour has to be that of what is in front, to go on with it."""
LEAST = 30
"""Pixels that have to differ."""
THIN = 3
"""Pixels that it is wide at least."""


class Occluders:
    """Finds what hides a part of a thing that moves as a whole."""

    def __init__(self, pose: ThingPose, source: Frame, mask: Mask) -> None:
        """Look at the keyframe.

        Args:
            pose: How the thing moves.
            source: uint8 (H, W, 3), the keyframe's frame as it was.
            mask: bool (H, W), its region.
        """
        self._pose, self._source = pose, source
        depth = depth_inside(mask)
        self._core = (depth > CORE * depth.max()).astype(np.uint8)
        box = bounding_box(mask)
        around = np.zeros_like(mask) if box is None else mask.copy()
        if box is not None:
            around[box.grow(AROUND, mask.shape).slices] = True
        self._palette = Palette(source[self._core > 0].astype(np.float32), source[around & ~mask].astype(np.float32))

    def before(self, index: int, source: Frame, mask: Mask) -> Floats | None:
        """What hides the thing on a frame.

        Args:
            index: Number of the frame.
            source: uint8 (H, W, 3).
            mask: bool (H, W), its region.

        Returns:
            (H, W) in [0, 1]: how much of each pixel is before the thing. None where nothing is, or
            where the thing has no motion as a whole.
        """
        motion = self._pose.at(index)
        box = bounding_box(mask)
        if motion is None or box is None:
            return None
        size = (mask.shape[1], mask.shape[0])
        said = cv2.warpPerspective(self._source, motion, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        thing = box.crop(cv2.warpPerspective(self._core, motion, size, flags=cv2.INTER_NEAREST)) > 0
        here, inside = np.ascontiguousarray(box.crop(source)), box.crop(mask)
        weight = thing.astype(np.float32)
        apart, _ = compared(here.astype(np.float32), box.crop(np.asarray(said)).astype(np.float32), weight, LIGHT_REACH)
        other = cv2.GaussianBlur(apart, (0, 0), 1.5) > APART
        strange = cv2.GaussianBlur(self._palette.of(here), (0, 0), 1.5) < LIKELY
        seed = (thing & inside & other & strange).astype(np.uint8)
        seed = cv2.morphologyEx(seed, cv2.MORPH_OPEN, np.ones((THIN, THIN), np.uint8)) > 0
        if seed.sum() < LEAST:
            return None
        # From what differs most it goes on where it has the same colours.
        own = Palette(here[seed].astype(np.float32), self._source[self._core > 0].astype(np.float32))
        alike = cv2.GaussianBlur(own.of(here), (0, 0), 0.8) > SAME
        front = seed | (inside & alike & (~thing | (cv2.GaussianBlur(apart, (0, 0), 1.5) > 0.4 * APART)))
        front = cv2.morphologyEx(front.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
        # It comes from somewhere: a highlight on the thing is no part of what is around it.
        _, labels = cv2.connectedComponents(front.astype(np.uint8))
        border = cv2.dilate((~np.pad(inside, 1)).astype(np.uint8), np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0
        front &= np.isin(labels, np.intersect1d(np.unique(labels[seed]), np.unique(labels[border & front])))
        if not front.any():
            return None
        result = np.zeros(mask.shape, np.float32)
        soft = cv2.GaussianBlur(cv2.dilate(front.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.8)
        result[box.slices] = np.where(inside, soft, 0)
        return result
