"""Where an edit really shows: background that was only repainted goes back to the source."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

NEAR = 2.0
"""Pixels at GRID over which pictures are compared: what a model can't redraw (texture, grain)
averages out.
"""
GRID = 128
"""The comparison runs on images of about this many pixels a side."""
LEAST = 12.0
"""Differences of so many 8-bit levels are none, whatever the surroundings say."""
SPECK = 0.12
"""Parts of less than this share of the largest are the model's blots."""
WHOLE, EVEN = 0.98, 0.8
"""What shows by more than this is shown whole, and the pixels at GRID over which an edge has its
colours.
"""
EDGE = 0.35
"""Share of the change beside it by which a pixel at the rim is changed, below which it is none of
the edit.
"""
STEEP = 2.0
"""How many times the level where an edit begins to show it shows fully."""


def edit_alpha(edited: NDArray[np.uint8], source: NDArray[np.uint8], mask: NDArray[np.bool_], rim: bool = True) -> NDArray[np.float32]:
    """How much of `edited` to show, (h, w) in [0, 1], inside `mask` (h, w): 0 where both pictures
    (h, w, 3) agree up to what they differ outside of it, where nothing was asked to change.

    Only what hangs together with the region's edge is taken back: inside an object nothing of the
    source shines through, unless `edited` is the source itself there, as in the hole of a ring that
    was cut out.

    Pictures are compared blurred, which takes in a rim of what is around the edit: nothing where
    that is what is there anyway, a fringe elsewhere. Without `rim` it is cut off.

    Args:
        edited: (h, w, 3).
        source: (h, w, 3), the picture that was edited.
        mask: (h, w), True = edit.
        rim: Whether to keep a rim of what is around the edit.

    Returns:
        (h, w) in [0, 1], 0 outside the mask.
    """
    height, width = mask.shape
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    scale = max(1.0, max(height, width) / GRID)
    difference = np.abs(cv2.GaussianBlur(edited.astype(np.float32) - source, (0, 0), NEAR * scale)).max(-1)
    ring = cv2.dilate(mask.astype(np.uint8), np.ones((2 * round(8 * scale) + 1,) * 2, np.uint8)).astype(bool) & ~mask
    noise = float(np.percentile(difference[ring], 80)) if ring.sum() > 50 else 0.0
    begins = float(np.clip(1.5 * noise, LEAST, 2.5 * LEAST))
    shown = np.clip((difference - begins) / (begins * (STEEP - 1)), 0, 1)
    shown[_specks(shown > 0.5)] = 0
    shown = np.where(_enclosed(shown < 0.5, mask), np.maximum(shown, 1), shown)
    if not rim:
        shown[_fringe(edited, source, shown > 0.5, mask, scale, begins)] = 0
        shown[_specks(shown > 0.5)] = 0
    shown[_untouched(edited, source, round(NEAR * scale))] = 0
    shown = cv2.GaussianBlur(shown.astype(np.float32), (0, 0), max(0.7 * scale, 0.7))
    shown = shown * shown * (3 - 2 * shown)
    return np.where(mask, shown, 0).astype(np.float32)


def _untouched(edited: NDArray[np.uint8], source: NDArray[np.uint8], margin: int) -> NDArray[np.bool_]:
    """Where both are the same to the last bit, with all that is around it."""
    same = (edited == source).all(-1).astype(np.uint8)
    return cv2.erode(same, np.ones((2 * margin + 1,) * 2, np.uint8)) > 0


def remove_background_bleed(edited: NDArray[np.uint8], shown: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`edited` (h, w, 3) with what is shown in part (h, w) in the colours beside it that are shown
    whole: without what lay behind it, which elsewhere it would bring along as a fringe.
    """
    whole = (shown > WHOLE).astype(np.float32)
    even = EVEN * max(1.0, max(shown.shape) / GRID)
    weight = cv2.GaussianBlur(whole, (0, 0), even)[..., None]
    beside = cv2.GaussianBlur(edited.astype(np.float32) * whole[..., None], (0, 0), even) / np.maximum(weight, 1e-6)
    sure = np.minimum(weight / 0.02, 1) * (1 - whole[..., None])
    return np.clip(np.rint(edited + sure * (beside - edited)), 0, 255).astype(np.uint8)


def _fringe(
    edited: NDArray[np.uint8], source: NDArray[np.uint8], shown: NDArray[np.bool_], mask: NDArray[np.bool_], scale: float, begins: float
) -> NDArray[np.bool_]:
    """What belongs to an edit's rim only because pictures are compared blurred: changed by little
    of what is beside it, or by nothing.

    A pixel that is changed in another direction of colour, a pale stem under a red cap, is a part
    of its own.
    """
    change = np.asarray(cv2.GaussianBlur(edited.astype(np.float32) - source, (0, 0), 0.5), np.float32)
    height, width = shown.shape
    size, reach = (max(round(width / scale), 1), max(round(height / scale), 1)), round(1.5 * NEAR)
    coarse = np.asarray(cv2.resize(change, size, interpolation=cv2.INTER_AREA), np.float32)
    beside = cv2.resize(_strongest(coarse, reach), (width, height))
    power = np.square(beside).sum(-1)
    share = (change * beside).sum(-1) / np.maximum(power, 1e-6)
    otherwise = np.abs(change - share[..., None] * beside).max(-1)
    around = np.ones((4 * round(reach * scale) + 1,) * 2, np.uint8)
    rim = cv2.dilate((~shown | ~mask).astype(np.uint8), around) > 0
    weak = rim & (share < EDGE) & (otherwise < 1.5 * begins) & (power > (2 * begins) ** 2)
    # A rim is thin: what is changed by little over more than that is a part of the edit, an arm
    # paler than its body.
    thick = np.ones((2 * round(scale) + 1,) * 2, np.uint8)
    weak &= cv2.morphologyEx((weak & (np.abs(change).max(-1) > 2 * begins)).astype(np.uint8), cv2.MORPH_OPEN, thick) == 0
    free = (~shown | weak) & ~_enclosed(~shown | weak, mask)
    # A thing that has the colour of what is behind it here and there stays whole.
    kept = cv2.morphologyEx((~free).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((2 * round(0.5 * NEAR * scale) + 1,) * 2, np.uint8)) > 0
    return free & ~(kept & shown)


def _strongest(change: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Of each pixel the largest change (h, w, 3) in the square of `reach` pixels around it."""
    for axis in (0, 1):
        best, most = change, np.abs(change).max(-1)
        padded = np.pad(change, [(reach, reach) if each == axis else (0, 0) for each in range(3)], mode="edge")
        for start in range(2 * reach + 1):
            other = padded.take(np.arange(start, start + change.shape[axis]), axis)
            larger = np.abs(other).max(-1) > most
            best, most = np.where(larger[..., None], other, best), np.where(larger, np.abs(other).max(-1), most)
        change = best
    return change


def _specks(parts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts that are small beside the largest."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(parts.astype(np.uint8), connectivity=8)
    areas = facts[:, cv2.CC_STAT_AREA]
    small = np.zeros(count, bool)
    if count > 2:
        small[1:] = areas[1:] < SPECK * areas[1:].max()
    return small[labels]


def _enclosed(empty: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those parts of `empty` that don't reach the outside of `mask` (or, without an outside, the
    picture's border).
    """
    free = empty | ~mask
    count, labels = cv2.connectedComponents(free.astype(np.uint8), connectivity=4)
    outside = ~mask
    if not outside.any():
        outside = np.ones_like(mask)
        outside[1:-1, 1:-1] = False
    open_to_outside = np.zeros(count, bool)
    open_to_outside[np.unique(labels[outside & free])] = True
    open_to_outside[0] = True
    return empty & ~open_to_outside[labels]
