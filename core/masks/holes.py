"""Holes in a mask: what it encloses without having it."""

from __future__ import annotations

import cv2
import numpy as np

from core.masks.bounding_box import bounding_box, Mask
from core.project.tracks import ALL_HOLES


def fill_holes(mask: Mask, largest: int) -> Mask:
    """The mask (H, W) with every hole of at most `largest` pixels filled, or every hole at all
    (ALL_HOLES); the mask itself for 0.

    A hole is a piece of the outside that the mask encloses, with no gap on a side of a pixel. What
    reaches the frame's border may go on behind it, so it is no hole.
    """
    box = bounding_box(mask) if largest else None
    if box is None:
        return mask
    inside = box.crop(mask)
    outside = (~inside).view(np.uint8)
    # the mask's pixels hold together at corners, so those of a hole do not
    _, labels, facts, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    height, width = inside.shape
    left, top, wide, high, area = facts.T
    # a piece that touches the mask's box is open there, or lies on the frame's border
    hole = (left > 0) & (top > 0) & (left + wide < width) & (top + high < height)
    if largest != ALL_HOLES:
        hole &= area <= largest
    hole[0] = False  # the mask itself
    if not hole.any():
        return mask
    filled = mask.copy()
    box.crop(filled)[hole[labels]] = True
    return filled
