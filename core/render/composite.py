"""Edited pixels inside the region, the source everywhere else, and a measurement that says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def composite(source: NDArray[np.uint8], edited: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blend uint8 (H, W, 3) images by alpha (H, W) in [0, 1]: exactly `source` where it is 0 and exactly `edited` where it is 1."""
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


def difference_outside(source: NDArray[np.uint8], result: NDArray[np.uint8], mask: NDArray[np.bool_]) -> int:
    """Largest difference in any channel of any pixel outside `mask` (H, W), in 8-bit levels."""
    if source is result:
        return 0
    changed = (source != result).any(axis=-1) & ~mask
    if not changed.any():
        return 0
    return int(np.abs(source[changed].astype(np.int16) - result[changed].astype(np.int16)).max())
