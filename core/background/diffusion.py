"""Values that are known in some places, continued smoothly everywhere (push-pull on a pyramid)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_LEAST = 1e-3
_SURE = 4.0
"""A pixel of this share of weight (1 / _SURE) counts as known."""


def diffuse(values: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Continue values smoothly into the places without weight.

    Args:
        values: float32 (H, W, C).
        weight: float32 (H, W) in [0, 1]; 0 where nothing is known.

    Returns:
        float32 (H, W, C): the values where they are known, elsewhere the average of the known ones
        around, near ones first. All zeros where nothing is known at all.
    """
    levels = [(values * weight[..., None], np.asarray(weight, np.float32))]
    while min(levels[-1][1].shape) > 2:
        total, known = levels[-1]
        levels.append((_halved(total), np.asarray(cv2.pyrDown(known), np.float32)))
    total, known = levels[-1]
    result = total / np.maximum(known, _LEAST)[..., None]
    for total, known in levels[-2::-1]:
        coarse = cv2.resize(result, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
        coarse = coarse.reshape(total.shape)
        share = np.clip(known * _SURE, 0, 1)[..., None]
        result = total / np.maximum(known, _LEAST)[..., None] * share + coarse * (1 - share)
    return np.asarray(result, np.float32)


def _halved(image: NDArray[np.float32]) -> NDArray[np.float32]:
    half = np.asarray(cv2.pyrDown(image), np.float32)
    return half[..., None] if half.ndim == 2 else half
