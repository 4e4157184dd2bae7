"""What no frame shows, made up once from what surrounds it (PatchMatch: Barnes et al., SIGGRAPH
2009).
"""

from __future__ import annotations

import threading

import cv2
import numpy as np
from patchmatch import patch_match

from core.background.footage import Frame, Mask

PATCH = 4
"""Radius of the patches that are compared."""
LARGEST = 36_000
"""Pixels of a hole that are made up at full size; a larger one is made up smaller and enlarged."""
_LOCK = threading.Lock()
"""The library has one generator of random numbers for all threads."""


def complete(picture: Frame, hole: Mask, seed: int = 0) -> Frame:
    """Fill a hole with texture and lines like those around it.

    Args:
        picture: uint8 (H, W, 3).
        hole: bool (H, W), what to fill.
        seed: the same seed gives the same pixels.

    Returns:
        uint8 (H, W, 3), equal to `picture` outside the hole.
    """
    x, y, width, height = cv2.boundingRect(hole.astype(np.uint8))
    if not width:
        return picture
    room = int(0.7 * max(width, height)) + 24
    x0, y0 = max(x - room, 0), max(y - room, 0)
    x1, y1 = min(x + width + room, hole.shape[1]), min(y + height + room, hole.shape[0])
    crop, missing = picture[y0:y1, x0:x1], hole[y0:y1, x0:x1]
    scale = min(1.0, (LARGEST / max(int(missing.sum()), 1)) ** 0.5)
    size = (max(round((x1 - x0) * scale), 16), max(round((y1 - y0) * scale), 16))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA) if scale < 1 else crop
    small_missing = cv2.resize(missing.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 0 if scale < 1 else missing
    if small_missing.all():
        return picture
    with _LOCK:
        patch_match.set_random_seed(seed)
        filled = patch_match.inpaint(np.ascontiguousarray(small), np.ascontiguousarray(small_missing), patch_size=PATCH)
    if scale < 1:
        filled = cv2.resize(filled, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    result = picture.copy()
    np.copyto(result[y0:y1, x0:x1], filled, where=missing[..., None])
    return result
