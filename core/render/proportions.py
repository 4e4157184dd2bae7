"""The place of a painted thing in the region: all of it, or as much as the thing's own proportions
take, standing where the thing before it stood.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.masks import bounding_box
from core.project.edits import ThingFit

Mask = NDArray[np.bool_]

AS_WIDE_AS_HIGH = frozenset(
    (
        *("ball", "balloon", "basketball", "clock", "coin", "cross", "cube", "diamond", "dice", "disc", "disk", "emoji", "football"),
        *("globe", "heart", "moon", "pearl", "planet", "ring", "smiley", "snowflake", "sphere", "square", "star", "sun", "wheel"),
    )
)
"""Things that look wrong when they are pulled to a region's shape."""
NEAR = 1.2
"""How many times as wide as high, or the reverse, a region may be that such a thing fills."""
LEAST = 0.4
"""Share of its place that has to lie in the region: in a narrower one all of the region is used."""


def keeps_proportions(caption: str, fit: ThingFit | None = None) -> bool:
    """Whether what a caption asks for keeps its own proportions.

    Args:
        caption: What the region shall show.
        fit: What was asked for; None to decide by the thing.

    Returns:
        False where it is to fill the region's shape.
    """
    if fit is not None:
        return fit == "inside"
    named = re.split(r"\b(?:about|above|at|behind|below|beside|by|for|from|in|like|near|of|on|over|under|with)\b", caption.lower())[0]
    words = re.findall(r"[a-z-]+", named)
    return bool(words) and (words[-1] in AS_WIDE_AS_HIGH or words[-1].removesuffix("s") in AS_WIDE_AS_HIGH)


def place_in(region: Mask, caption: str, fit: ThingFit | None = None) -> Mask:
    """The part of a region that a thing is painted into.

    Args:
        region: bool (H, W).
        caption: What it shall show.
        fit: `stretch` for all of the region, `inside` for a place as wide as high; None to decide
            by the thing.

    Returns:
        bool (H, W), within the region: as wide as high, in its middle, and at its foot where it is
        higher than wide. The region itself where that is its shape, or too little of it.
    """
    box = bounding_box(region)
    if box is None or not keeps_proportions(caption, fit) or max(box.width, box.height) <= NEAR * min(box.width, box.height):
        return region
    side = min(box.width, box.height)
    columns = np.flatnonzero(region.any(0))
    weight = region[:, columns].sum(0)
    middle = float((columns * weight).sum() / weight.sum())
    x0 = int(np.clip(round(middle - side / 2), box.x0, box.x1 - side))
    place = Box(x0, box.y1 - side, x0 + side, box.y1)
    inside = np.zeros_like(region)
    inside[place.slices] = place.crop(region)
    return inside if inside.sum() >= LEAST * side * side else region
