"""Whether a keyframe shows the source's own thing changed, or another thing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks import bounding_box, depth_inside
from core.project.edits import Carried, Carry

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]

GRID = 320
"""Edges are compared on pictures of about this many pixels a side."""
CHANGED = 10.0
"""8-bit levels from which on a pixel is changed."""
LEAST = 60
"""Changed pixels at GRID that can be judged."""
STRONG = 0.4
"""Of the edges of the source where it is changed, the share that counts: the strongest."""
KEPT = 0.3
"""How much of these edges a changed thing keeps at least, beyond what any picture would."""
LEFT = 0.45
"""Share of the region, its middle first, that only a change leaves as it is."""
BRIDGED, SPARED = 25, 0.25
"""Pixels across which a pattern leaves gaps, and the share of it that these are at least."""
SHIFTS = ((9, 0), (-9, 0), (0, 9), (0, -9), (7, 7), (-7, -7), (7, -7), (-7, 7))
"""Pixels at GRID by which the keyframe is moved to see what agrees by chance."""


def decided(carry: Carry, task: str, source: Frame, picture: Frame, mask: Mask) -> Carried:
    """How a keyframe is carried, as it was asked for or by what it shows.

    Args:
        carry: What was asked for.
        task: Add, modify or delete. What is deleted or added shows another thing.
        source: uint8 (H, W, 3), the frame.
        picture: uint8 (H, W, 3), the frame as it was accepted.
        mask: bool (H, W), the region.

    Returns:
        As a change, or as a picture.
    """
    if carry != "auto":
        return carry
    return carried_as(source, picture, mask) if task == "modify" else "picture"


def carried_as(source: Frame, picture: Frame, mask: Mask) -> Carried:
    """Decide how a keyframe is carried.

    Args:
        source: uint8 (H, W, 3), the frame.
        picture: uint8 (H, W, 3), the frame as it was accepted.
        mask: bool (H, W), the region.

    Returns:
        "change" where the source's edges are still there in what was changed, or where much of the
        thing is as it was (a sign was put on it); else "picture".
    """
    same = kept_edges(source, picture, mask) >= KEPT
    same = same or left_alone(source, picture, mask) >= LEFT or spared(source, picture, mask) >= SPARED
    return "change" if same else "picture"


def spared(source: Frame, picture: Frame, mask: Mask) -> float:
    """How much a pattern that was put on the thing leaves of it between its parts.

    Args:
        source: uint8 (H, W, 3).
        picture: uint8 (H, W, 3).
        mask: bool (H, W), the region.

    Returns:
        A share of the pattern with its gaps: 0 where all is changed.
    """
    box = bounding_box(mask)
    if box is None:
        return 0.0
    apart = cv2.absdiff(box.crop(source), box.crop(picture)).max(-1)
    changed = np.pad(((apart > CHANGED) & box.crop(mask)).astype(np.uint8), BRIDGED)
    filled = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((BRIDGED, BRIDGED), np.uint8))
    gaps = cv2.morphologyEx(filled - changed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return float(gaps.sum() / max(int(filled.sum()), 1))


def left_alone(source: Frame, picture: Frame, mask: Mask) -> float:
    """How much of the region a keyframe leaves as it is, its middle first.

    Args:
        source: uint8 (H, W, 3).
        picture: uint8 (H, W, 3).
        mask: bool (H, W), the region.

    Returns:
        0 where all is changed, 1 where nothing is.
    """
    box = bounding_box(mask)
    if box is None:
        return 1.0
    depth = depth_inside(box.crop(mask))
    apart = cv2.GaussianBlur(cv2.absdiff(box.crop(source), box.crop(picture)).max(-1).astype(np.float32), (0, 0), 1.5)
    return float((depth * (apart <= CHANGED)).sum() / max(float(depth.sum()), 1e-6))


def kept_edges(source: Frame, picture: Frame, mask: Mask) -> float:
    """How much of the source's edges a keyframe keeps where it changes the source.

    Args:
        source: uint8 (H, W, 3).
        picture: uint8 (H, W, 3).
        mask: bool (H, W), the region.

    Returns:
        0 where edges agree no better than by chance, 1 where all are where they were.
    """
    box = bounding_box(mask)
    if box is None:
        return 0.0
    scale = min(1.0, GRID / max(box.width, box.height))
    size = (max(round(box.width * scale), 8), max(round(box.height * scale), 8))
    one, two = (cv2.resize(box.crop(each), size, interpolation=cv2.INTER_AREA).astype(np.float32) for each in (source, picture))
    inside = cv2.resize(box.crop(mask).astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    changed = (cv2.GaussianBlur(np.abs(one - two).max(-1), (0, 0), 1.0) > CHANGED) & inside
    # What was changed has an outline of its own, which says nothing about the thing.
    deep = cv2.erode(np.pad(changed, 1).astype(np.uint8), np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0
    if deep.sum() < LEAST:
        return 0.0
    own, other = _slopes(one), _slopes(two)
    strength = np.hypot(*own)
    edges = deep & (strength > np.quantile(strength[deep], 1 - STRONG))
    found = _agreement(own, other, edges)
    chance = float(np.mean([_agreement(own, (np.roll(other[0], by, (0, 1)), np.roll(other[1], by, (0, 1))), edges) for by in SHIFTS]))
    return float(np.clip((found - chance) / max(1 - chance, 0.1), 0, 1))


def _slopes(picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How the strongest channel rises to the right and downwards, (h, w) each."""
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
    across, down = (np.asarray(cv2.Sobel(soft, cv2.CV_32F, *order), np.float32) for order in ((1, 0), (0, 1)))
    best = (across**2 + down**2).argmax(-1)[..., None]
    return np.take_along_axis(across, best, -1)[..., 0], np.take_along_axis(down, best, -1)[..., 0]


def _agreement(own: tuple[NDArray, NDArray], other: tuple[NDArray, NDArray], edges: Mask) -> float:
    """How well the directions of edges agree, 0 to 1, stronger edges first; an edge may be turned
    from dark to bright.
    """
    weight = np.hypot(*own)[edges]
    length = weight * np.hypot(*other)[edges]
    along = np.abs(own[0] * other[0] + own[1] * other[1])[edges] / np.maximum(length, 1e-6)
    there = np.clip(np.hypot(*other)[edges] / np.maximum(0.2 * weight, 1.0), 0, 1)
    return float((weight * there * np.clip(2 * along**2 - 1, 0, 1)).sum() / max(float(weight.sum()), 1e-6))
