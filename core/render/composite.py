"""Edited pixels inside the region, the source everywhere else, and a measurement that says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.masks import bounding_box, depth_inside, feather_alpha, Widths


def composite(source: NDArray[np.uint8], edited: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blend uint8 (H, W, 3) images by alpha (H, W) in [0, 1]: exactly `source` where it is 0 and
    exactly `edited` where it is 1.

    Args:
        source: uint8 (H, W, 3).
        edited: The same.
        alpha: (H, W) in [0, 1].

    Returns:
        A new picture.

    Raises:
        ValueError: The shapes don't agree.
    """
    if source.shape != edited.shape or alpha.shape != source.shape[:2]:
        raise ValueError(f"can't blend {source.shape} and {edited.shape} by {alpha.shape}")
    result = source.copy()
    rows, columns = np.nonzero(alpha)
    if rows.size == 0:
        return result
    area = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    weight = alpha[area][..., None]
    base = source[area].astype(np.float32)
    # Rounding source + 0 * difference gives the source back exactly: every uint8 is a float32.
    result[area] = np.rint(base + weight * (edited[area].astype(np.float32) - base)).astype(np.uint8)
    return result


def soft_edge(mask: NDArray[np.bool_], pixels: Widths) -> NDArray[np.float32]:
    """Alpha (H, W) of an edit's edge: 0 outside `mask`, rising to 1 over `pixels` inside it, or
    over a third of the way to its middle where that is less: a small region stays an edit and
    doesn't become a haze. `pixels` (H, W) holds for each pixel by itself.
    """
    box = bounding_box(mask)
    if box is None:
        return np.zeros(mask.shape, np.float32)
    depth = float(depth_inside(box.crop(mask)).max())
    return feather_alpha(mask, np.minimum(pixels, depth / 3) if isinstance(pixels, np.ndarray) else min(float(pixels), depth / 3))


def difference_outside(source: NDArray[np.uint8], result: NDArray[np.uint8], mask: NDArray[np.bool_]) -> int:
    """Largest difference in any channel of any pixel outside `mask` (H, W), in 8-bit levels.

    Args:
        source: uint8 (H, W, 3).
        result: The same.
        mask: bool (H, W).

    Returns:
        0 to 255; 0 where they are equal.
    """
    if source is result:
        return 0
    changed = (source != result).any(axis=-1) & ~mask
    if not changed.any():
        return 0
    return int(np.abs(source[changed].astype(np.int16) - result[changed].astype(np.int16)).max())
