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
LEAST = 0.35
"""A thing that comes out smaller than this share of what shows has not been told from its surroundings."""


def cut_out(edited: NDArray[np.uint8], mask: NDArray[np.bool_], shown: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much to show of the one thing that `edited` (h, w, 3) has in `mask` (h, w), (h, w) in [0, 1] and at most `shown`, see
    `visible_edit`.

    GrabCut (Rother et al. 2004) on the edited picture: what is around the mask tells the colours of the background, what shows, those of
    the thing. `shown` comes back where the two can't be told apart.
    """
    height, width = mask.shape
    visible = shown > 0.5
    if not visible.any() or mask.all():
        return shown
    scale = max(1.0, max(height, width) / GRID)
    size = max(round(width / scale), 1), max(round(height / scale), 1)
    picture = cv2.resize(edited, size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    front = (cv2.resize(shown, size, interpolation=cv2.INTER_AREA) > 0.5) & inside
    depth = cv2.distanceTransform(front.astype(np.uint8), cv2.DIST_L2, 5)
    labels = np.where(inside, np.where(front, cv2.GC_PR_FGD, cv2.GC_PR_BGD), cv2.GC_BGD).astype(np.uint8)
    if depth.max() > SHALLOW:
        labels[depth > CORE * depth.max()] = cv2.GC_FGD
    if not front.any() or not (labels == cv2.GC_BGD).any():
        return shown
    cv2.setRNGSeed(0)  # its clusters begin at random
    try:
        cv2.grabCut(
            np.asarray(picture, np.uint8), labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK
        )
    except cv2.error:  # fewer pixels of a kind than it has clusters
        return shown
    thing = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)) & inside
    if thing.sum() < LEAST * front.sum():
        return shown
    soft = cv2.GaussianBlur(cv2.dilate(thing.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.8)
    return np.minimum(shown, cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR))
