"""Bring the low-frequency colour of edited pixels in line with what surrounds the region, so that
its outline does not show.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

RING = 10
"""Width of the ring around the region that is compared, in pixels at GRID."""
LIMIT = 24.0
"""The most that any pixel is shifted, in 8-bit levels: a model that spoiled the surroundings must
not tint the region.
"""
SIGMAS = (4, 12, 36)
"""Widths of the Gaussians that carry the difference inwards, in pixels at GRID."""
ROUNDS = 6
LIKE = 4.0
"""Differences of so many 8-bit levels, once the light agrees, say nothing of what a pixel shows."""
CONTRAST = 4.0
"""Levels of standard deviation that a ring needs before it tells a gain rather than an offset."""
MOST_GAIN, MOST_OFFSET = 1.5, 64.0
"""What is off by more than that has not only another light."""
GRID = 128
"""The comparison runs on images of about this many pixels a side; what it finds is smooth."""


def match_surroundings(edited: NDArray[np.uint8], source: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Shift `edited` smoothly so that it agrees with `source` (both (h, w, 3)) in a ring around
    `mask` (h, w).

    A model repaints what it was told to keep as well, with the blur and tint of its autoencoder;
    how far off it is there tells how far off it is at the region's edge. The difference in the ring
    is carried inwards by Gaussians of growing width, the narrow ones weighing most (Shepard's
    method on blurred weights).

    Args:
        edited: (h, w, 3).
        source: (h, w, 3).
        mask: (h, w), True = edit.

    Returns:
        The shifted picture.
    """
    height, width = mask.shape
    scale = max(1.0, max(height, width) / GRID)
    small = (max(round(width / scale), 1), max(round(height / scale), 1))
    near = _ring(mask).astype(np.float32)
    difference = (source.astype(np.float32) - edited) * near[..., None]
    weight = cv2.resize(near, small, interpolation=cv2.INTER_AREA)
    difference = np.asarray(cv2.resize(difference, small, interpolation=cv2.INTER_AREA), np.float32)
    total = sum(cv2.GaussianBlur(weight, (0, 0), sigma) / sigma**2 for sigma in SIGMAS)
    carried = sum(cv2.GaussianBlur(difference, (0, 0), sigma) / sigma**2 for sigma in SIGMAS)
    inward = np.clip(carried / np.maximum(total, 1e-6)[..., None], -LIMIT, LIMIT)
    offset = cv2.resize(inward, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(np.rint(edited + offset), 0, 255).astype(np.uint8)


def match_light(edited: NDArray[np.uint8], source: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bring a picture that came back lighter, darker or tinted as a whole to the light of its
    source, by what became of the ring around the mask.

    For each channel a gain and an offset, by least squares over the ring without what was changed
    there; a gain only as far as the ring has the contrast to tell it.

    Args:
        edited: uint8 (h, w, 3), with the ring painted anew.
        source: uint8 (h, w, 3).
        mask: bool (h, w), True = edit.

    Returns:
        uint8 (h, w, 3).
    """
    ring = _ring(mask)
    if not ring.any():
        return edited
    was, became = (_smooth(picture, ring)[ring] for picture in (source, edited))
    kept = np.ones(len(was), np.bool_)
    gain, offset = np.ones(3, np.float32), np.median(was - became, axis=0)
    for _ in range(ROUNDS):
        error = np.abs(became * gain + offset - was).max(-1)
        kept = error <= max(LIKE, 2.5 * float(np.median(error)))
        x, y = became[kept], was[kept]
        middle = x.mean(0)
        spread = np.square(x - middle).mean(0)
        together = ((x - middle) * (y - y.mean(0))).mean(0)
        gain = np.clip((together + CONTRAST**2) / (spread + CONTRAST**2), 1 / MOST_GAIN, MOST_GAIN)
        offset = np.clip(y.mean(0) - middle * gain, -MOST_OFFSET, MOST_OFFSET)
    return np.clip(np.rint(edited * gain.astype(np.float32) + offset.astype(np.float32)), 0, 255).astype(np.uint8)


def _smooth(picture: NDArray[np.uint8], ring: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The ring (h, w) of a picture (h, w, 3) without what a model can't redraw, like grain."""
    blur, weight = max(1.0, max(ring.shape) / GRID), ring.astype(np.float32)
    total = np.maximum(cv2.GaussianBlur(weight, (0, 0), blur), 1e-6)[..., None]
    return np.asarray(cv2.GaussianBlur(picture * weight[..., None], (0, 0), blur) / total, np.float32)


def ring_width(shape: tuple[int, ...]) -> int:
    """Pixels of the ring around a mask (h, w) that is compared."""
    return round(RING * max(1.0, max(shape[:2]) / GRID))


def _ring(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    around = np.ones((2 * ring_width(mask.shape) + 1,) * 2, np.uint8)
    return (cv2.dilate(mask.astype(np.uint8), around) > 0) & ~mask
