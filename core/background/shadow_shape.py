"""The shape of a shadow: how it moves with its thing, and how far it goes on where other times
show it in part only. Of ground that lies in shadow whenever it is seen, nothing but its look on
the frame itself tells.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.footage import Mask
from core.masks import bounding_box

LEAST_SEEN = 24
"""Small pixels of a shadow to know its look from."""
DEPTH = 0.2
"""How much darker it is than the ground beside it, as a difference of logarithms: a fainter one is
told from the ground's own pattern by other times alone.
"""
DARK, LIT = 0.5, 0.35
"""Of the way from lit ground to the shadow: what is shadow, and what is ground beside it."""
DARKEST = 1.8
"""As much of it is something dark of its own."""
OTHER_COLOUR = 0.35
"""How far beside that way a colour may lie, as a share of it."""
AROUND = 0.7
"""Share of what lies around a piece of shadow that is lit ground."""
PATTERN, FAR = 0.06, 15
"""Share of the ground so many small pixels around that may be as dark by itself: more is a pattern
of the ground, which looks like shadow everywhere.
"""
KNOWN, OFTEN = 3, 0.5
"""Other times that have to show a place out of the shadow to know how it looks, and which share of
those that show it.
"""
MOSTLY = 0.5
"""Share of a piece that they have to show."""
SOFT_EDGE = 2
"""Small pixels of a shadow's soft edge."""
SMOOTH = 1.0
"""Small pixels over which the ground's grain is averaged."""


def extended(found: Mask, now: NDArray[np.float32], own: Mask, foot: Mask) -> Mask:
    """Add to a shadow what goes on from it or from the thing with the same look.

    Args:
        found: bool (h, w), where other times show that the frame is darker.
        now: float32 (h, w, 3), the frame, as logarithms.
        own: bool (h, w), the thing.
        foot: bool (h, w), where a shadow begins at the thing.

    Returns:
        bool (h, w): `found` and the pieces around it that look like it, lie on the same ground and
        reach it or the thing's foot.
    """
    inner = cv2.erode(found.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    beside = _around(found, own)
    if inner.sum() < LEAST_SEEN or beside.sum() < LEAST_SEEN:
        return found
    soft = np.asarray(cv2.GaussianBlur(now, (0, 0), SMOOTH), np.float32)
    lit, way = np.median(soft[beside], 0), np.median(soft[inner], 0) - np.median(soft[beside], 0)
    if -way.mean() < DEPTH:
        return found
    along = (soft - lit) @ way / float(way @ way)
    beyond = np.abs(soft - lit - along[..., None] * way).max(-1)
    same = beyond < OTHER_COLOUR * float(np.abs(way).max())
    shade, ground = (along > DARK) & (along < DARKEST) & same & ~own, (np.abs(along) < LIT) & same
    count, pieces, sizes, _ = cv2.connectedComponentsWithStats(shade.astype(np.uint8))
    result = found.copy()
    for piece in range(1, count):
        there = pieces == piece
        if sizes[piece, cv2.CC_STAT_AREA] < LEAST_SEEN or not (there & (foot | found)).any():
            continue
        around = _around(there, own) & ~found
        if around.any() and ground[around].mean() > AROUND:
            edge = cv2.dilate(there.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            result |= there | (edge & (along > LIT) & ~own)
    others = shade[_around(result, own, FAR)]
    return result if others.sum() < PATTERN * others.size else found


def unexplained(pieces: Mask, shown: Mask, thing: Mask, pictures: list[NDArray[np.float32]], things: list[Mask]) -> Mask:
    """Leave out the pieces of a shadow that enough other times show without it: those know better.

    Args:
        pieces: bool (h, w), what may be shadow by its look.
        shown: bool (h, w), the shadow that other times show.
        thing: bool (h, w).
        pictures: float32 (h, w, 3) each, the same place at other times; NaN where unknown.
        things: bool (h, w) each, where the thing is then.

    Returns:
        bool (h, w), those pieces that lie in the shadow at most of the times that show them.
    """
    if not pieces.any():
        return pieces
    free, seen = np.zeros(pieces.shape, np.int32), np.zeros(pieces.shape, np.int32)
    for picture, then in zip(pictures, things, strict=True):
        shade = cv2.dilate(moved(pieces | shown, thing, then, jumps=False), np.ones((2 * SOFT_EDGE + 1,) * 2, np.uint8)) > 0
        known = np.isfinite(picture[..., 0])
        seen += known
        free += known & ~shade
    better = (free >= KNOWN) & (free >= OFTEN * seen)
    count, parts = cv2.connectedComponents(pieces.astype(np.uint8))
    kept = [part for part in range(1, count) if better[parts == part].mean() < MOSTLY]
    return np.asarray(np.isin(parts, kept) if kept else np.zeros_like(pieces))


def _around(piece: Mask, own: Mask, reach: int = 7) -> Mask:
    """What lies around a piece of shadow, `reach` small pixels far and beyond its soft edge, and
    isn't the thing.
    """
    near, far = (cv2.dilate(piece.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8)) > 0 for by in (3, reach))
    return np.asarray(far & ~near & ~(cv2.dilate(own.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0))


def moved(affected: Mask, thing: Mask, now: Mask, jumps: bool) -> NDArray[np.float32]:
    """Move a shadow as the thing has moved from one frame to another.

    Args:
        affected: bool (h, w), on the first frame.
        thing: bool (h, w), on the first frame.
        now: bool (h, w), the thing on the other frame.
        jumps: Whether it may also stay on the ground while the thing moves up and down.

    Returns:
        float32 (h, w), 0 to 1.
    """
    one, two = bounding_box(thing), bounding_box(now)
    if one is None or two is None or not affected.any() or one == two:
        return affected.astype(np.float32)
    height, width = now.shape
    across, down = (two.width / one.width, two.height / one.height)
    if min(two.x0, two.y0, one.x0, one.y0) == 0 or max(one.x1, two.x1) == width or max(one.y1, two.y1) == height:
        across = down = 1.0  # only a part of it is in the picture
    (ys, xs), (yn, xn) = (np.nonzero(mask) for mask in (thing, now))
    sideways = [across, 0, xn.mean() - across * xs.mean()]
    rows = [[0, down, yn.mean() - down * ys.mean()], *([[0, 1, 0]] if jumps else [])]
    moved = [cv2.warpAffine(affected.astype(np.float32), np.array([sideways, row], np.float32), (width, height)) for row in rows]
    return np.asarray(np.max(moved, 0), np.float32)


def disc(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)
