"""What becomes of a mask: steadied, holes filled, one of the paper's six forms.

Exact: a pixel belongs or does not, by its centre.

What lies outside the frame is unknown, so a mask that the frame cuts is not shrunk from that side.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.masks.bounding_box import bounding_box, Mask
from core.masks.deflicker import remove_flicker
from core.masks.holes import fill_holes
from core.project.tracks import MaskAdjustment

_DISC_BY_ROWS = 64  # up to this radius, widening row by row is faster than a distance transform


def adjust(masks: Mask, adjustment: MaskAdjustment) -> Mask:
    """Turn masks into the region to edit.

    First the frames around say what flickers (`remove_flicker`, among those that are given), then
    holes are filled, then comes the form: `expand` takes every pixel at most `pixels` (Euclidean)
    from the mask, a negative amount keeps those farther than that from its outside; `hull` is the
    convex hull, `box` the bounding box. `box+expand` moves the sides of the box, which therefore
    stays a box. An empty mask stays empty. Takes bool (H, W) or (T, H, W) and returns the same
    shape; InputError for anything else.
    """
    if masks.dtype != np.bool_ or masks.ndim not in (2, 3):
        raise InputError(f"masks must be bool (H, W) or (T, H, W), not {masks.dtype} {masks.shape}")
    frames = masks if masks.ndim == 3 else masks[None]
    out = np.zeros_like(frames)
    run = list(frames)
    for index, target in enumerate(out):
        _shape(cleaned(run, index, adjustment), target, adjustment)
    return out if masks.ndim == 3 else out[0]


def cleaned(masks: Sequence[Mask], middle: int, adjustment: MaskAdjustment) -> Mask:
    """Take flicker and holes out of one mask of a run, before it is given its form.

    Args:
        masks: Masks of consecutive frames, bool (H, W) each.
        middle: Which of them is wanted.
        adjustment: Over how many frames to smooth, and which holes to fill.

    Returns:
        bool (H, W), not to be written to.
    """
    reach = adjustment.smooth
    mask = masks[middle]
    if reach:
        mask = remove_flicker(masks[max(0, middle - reach) : middle + reach + 1], min(middle, reach))
    return fill_holes(mask, adjustment.holes)


def shaped(mask: Mask, adjustment: MaskAdjustment) -> Mask:
    """A clean mask, bool (H, W), in the adjustment's form; a new array."""
    out = np.zeros_like(mask)
    _shape(mask, out, adjustment)
    return out


def _shape(source: Mask, target: Mask, adjustment: MaskAdjustment) -> None:
    """Write the form of `source` into `target` (all False), working inside the bounding box."""
    box = bounding_box(source)
    if box is None:
        return
    shape, amount = source.shape, adjustment.pixels if adjustment.form.endswith("expand") else 0
    if adjustment.form.startswith("box"):
        grown = box.grow(amount, shape, keep_border=True)
        if not grown.is_empty:
            grown.crop(target)[:] = True
        return
    room = box.grow(max(amount, 1), shape)  # one pixel of outside at least, so that shrinking knows where the mask ends
    work = room.crop(source)
    if adjustment.form.startswith("hull"):
        work = _hull(work)
    if amount > 0:
        work = _widen(work, amount)
    elif amount < 0:
        work = ~_widen(~work, -amount)
    room.crop(target)[:] = work


def _hull(mask: Mask) -> Mask:
    """All pixels whose centre lies in the convex hull of the centres of a non-empty mask's
    pixels.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    left = mask[rows].argmax(axis=1)
    right = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.stack([left, rows], 1), np.stack([right, rows], 1)]).astype(np.int32)
    corners = cv2.convexHull(ends)[:, 0]
    top, bottom = int(corners[:, 1].argmin()), int(corners[:, 1].argmax())
    count = len(corners)
    inner = np.arange(rows[0], rows[-1] + 1)
    chains = [[corners[(top + step * i) % count] for i in range((step * (bottom - top)) % count + 1)] for step in (1, -1)]
    sides = [np.interp(inner, [c[1] for c in chain], [c[0] for c in chain]) for chain in chains]
    # centres are whole numbers and slopes are ratios of small ones, so a thousandth of a pixel only
    # undoes rounding
    low = np.ceil(np.minimum(*sides) - 1e-3)
    high = np.floor(np.maximum(*sides) + 1e-3)
    low[0], high[0], low[-1], high[-1] = left[0], right[0], left[-1], right[-1]
    columns = np.arange(mask.shape[1])
    out = np.zeros_like(mask)
    out[rows[0] : rows[-1] + 1] = (columns >= low[:, None]) & (columns <= high[:, None])
    return out


def _widen(mask: Mask, radius: int) -> Mask:
    """Every pixel at most `radius` (Euclidean, between centres) from a pixel of the mask."""
    pixels: NDArray[np.uint8] = np.ascontiguousarray(mask).view(np.uint8)
    if radius > _DISC_BY_ROWS:
        distance = cv2.distanceTransform(1 - pixels, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return (distance <= radius + 1e-4) & mask.any()
    height = len(pixels)
    half_widths = np.sqrt(radius * radius - np.arange(radius + 1.0) ** 2 + 1e-9).astype(int)
    wide: NDArray = pixels
    reached = 0
    out = np.zeros_like(pixels)
    for offset in range(radius, -1, -1):  # from the disc's tip, one pixel wide, to its widest row
        if half_widths[offset] > reached:
            kernel = np.ones((1, 2 * (half_widths[offset] - reached) + 1), np.uint8)
            wide, reached = cv2.dilate(wide, kernel), half_widths[offset]
        if offset < height:
            np.bitwise_or(out[offset:], wide[: height - offset], out=out[offset:])
            np.bitwise_or(out[: height - offset], wide[offset:], out=out[: height - offset])
    return out.view(np.bool_)
