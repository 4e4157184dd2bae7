"""Cut a painted thing out of the background that was painted anew around it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GRID = 128
"""The outline is found on images of about this many pixels a side."""
ROUNDS = 4
CORE = 0.6
"""Of the depth of what shows, from where on it is the thing for sure."""
SHALLOW = 3.0
"""Pixels at GRID: what is nowhere deeper has no such part."""
LEAST, LEAST_HOLLOW = 0.35, 0.1
"""A thing that comes out smaller than this share of what shows has not been told from its
surroundings.
"""
CLEAR = 20.0
"""CIE76: a hollow is looked for when the thing is this far from the colours around it."""
PALETTE = 8
"""Colours that what is around the mask is reduced to."""
BRIDGED = 0.8
"""Of the thing's thickness, up to which gaps in it (pale stripes, highlights) are part of it."""
WHOLE = 0.9
"""The share of its largest piece below which a thing with a hollow has been cut to pieces."""


def matte_objects(
    edited: NDArray[np.uint8], mask: NDArray[np.bool_], shown: NDArray[np.float32], hollow: bool = False
) -> NDArray[np.float32]:
    """How much to show of the one thing that `edited` (h, w, 3) has in `mask` (h, w), (h, w) in [0,
    1] and at most `shown`, see `edit_alpha`. `hollow` says that one sees through or into it, as
    with a ring or a moon, so that its middle is none of it.

    GrabCut (Rother et al. 2004) on the edited picture: what is around the mask tells the colours of
    the background, what shows, those of the thing. `shown` comes back where the two can't be told
    apart.

    Args:
        edited: uint8 (h, w, 3).
        mask: bool (h, w), True = edit.
        shown: (h, w) in [0, 1], what `edit_alpha` gave.
        hollow: Whether one sees through or into the object, as with a ring.

    Returns:
        (h, w) in [0, 1], at most `shown`.
    """
    height, width = mask.shape
    visible = shown > 0.5
    if not visible.any() or mask.all():
        return shown
    scale = max(1.0, max(height, width) / GRID)
    size = max(round(width / scale), 1), max(round(height / scale), 1)
    picture = np.asarray(cv2.resize(edited, size, interpolation=cv2.INTER_AREA), np.uint8)
    inside = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    front = (cv2.resize(shown, size, interpolation=cv2.INTER_AREA) > 0.5) & inside
    if not front.any() or inside.all():
        return shown
    thing = _around_hollow(picture, inside, front) if hollow else None
    if thing is None:
        thing = _whole(picture, inside, front)
    if thing is None:
        return shown
    soft = cv2.GaussianBlur(cv2.dilate(thing.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.8)
    return np.minimum(shown, cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR))


def _whole(picture: NDArray[np.uint8], inside: NDArray[np.bool_], front: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The thing, taken to be there where `front` is deepest; None when it can't be told from its
    surroundings.
    """
    labels = np.where(inside, np.where(front, cv2.GC_PR_FGD, cv2.GC_PR_BGD), cv2.GC_BGD).astype(np.uint8)
    labels[_deep(front, CORE)] = cv2.GC_FGD
    thing = _grab(picture, labels)
    return thing if thing is not None and thing.sum() >= LEAST * front.sum() else None


def _around_hollow(picture: NDArray[np.uint8], inside: NDArray[np.bool_], front: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The thing, taken to be there where the colour of `front` is far from all colours around it;
    None when none of it is, or what comes out is not of one piece. What the model paints in a
    hollow looks like something behind the thing, though not like the source.
    """
    far = _unlikeness(picture, inside)
    levels = np.clip(far[front] * 2, 0, 255).astype(np.uint8)
    limit, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    likely = front & (far > limit / 2)
    if not likely.any() or far[likely].mean() < CLEAR:
        return None
    reach = round(BRIDGED * float(cv2.distanceTransform(likely.astype(np.uint8), cv2.DIST_L2, 5).max()))
    bridge = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    closed = (cv2.morphologyEx(likely.astype(np.uint8), cv2.MORPH_CLOSE, bridge) > 0) & front
    labels = np.where(inside, np.where(closed, cv2.GC_PR_FGD, cv2.GC_PR_BGD), cv2.GC_BGD).astype(np.uint8)
    labels[_deep(closed, CORE)] = cv2.GC_FGD
    labels[_deep(front & ~closed, CORE)] = cv2.GC_BGD
    thing = _grab(picture, labels)
    if thing is None or thing.sum() < LEAST_HOLLOW * front.sum():
        return None
    pieces = cv2.connectedComponentsWithStats(thing.astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    return thing if pieces.max() >= WHOLE * thing.sum() else None


def _unlikeness(picture: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """CIE76 (h, w) from each pixel to the nearest of the colours outside `inside`."""
    lab = np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    around = lab[~inside]
    cv2.setRNGSeed(0)
    ending = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    colours = cv2.kmeans(around, min(PALETTE, len(around)), np.empty(0), ending, 1, cv2.KMEANS_PP_CENTERS)[2]
    smooth = cv2.GaussianBlur(lab, (0, 0), 0.8)
    return np.asarray(np.linalg.norm(smooth[:, :, None] - colours, axis=-1).min(-1), np.float32)


def _deep(part: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """Where `part` is deeper than a share of its depth; nowhere when it is shallow throughout."""
    depth = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray((depth > share * depth.max()) & (depth.max() > SHALLOW))


def _grab(picture: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """GrabCut from `labels` on; None when there are fewer pixels of a kind than it has clusters."""
    cv2.setRNGSeed(0)  # its clusters begin at random
    try:
        cv2.grabCut(picture, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return None
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
