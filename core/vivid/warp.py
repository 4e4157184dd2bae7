"""A first guess of the edited clip: the keyframe's region, carried along the mask's own motion."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks import bounding_span

Interval = tuple[float, float]


def warp_along(
    keyframe: NDArray[np.uint8], key_mask: NDArray[np.bool_], frames: NDArray[np.uint8], masks: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """`frames` (T, h, w, 3) with the keyframe's region moved and scaled into each frame's mask (T, h, w).

    The motion is that of the masks' bounding boxes. A side on the border may have left the picture, so it says nothing about size: the
    other sides then tell. Frames stay as they are where their mask or the keyframe's is empty.
    """
    result = frames.copy()
    start = bounding_span(key_mask)
    if start is None:
        return result
    height, width = key_mask.shape
    for frame, mask in zip(result, masks, strict=True):
        end = bounding_span(mask)
        if end is None:
            continue
        scales = [_scale(start[:2], end[:2], height), _scale(start[2:], end[2:], width)]
        known = [scale for scale in scales if scale is not None]
        fallback = known[0] if known else 1.0
        scale_y, scale_x = (fallback if scale is None else scale for scale in scales)
        shift_y = _shift(start[:2], end[:2], scale_y, height)
        shift_x = _shift(start[2:], end[2:], scale_x, width)
        # Pixel centres lie at halves, boxes at whole numbers.
        matrix = np.array([[scale_x, 0, shift_x + (scale_x - 1) / 2], [0, scale_y, shift_y + (scale_y - 1) / 2]])
        moved = cv2.warpAffine(keyframe, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        frame[mask] = moved[mask]
    return result


def _free(start: Interval, end: Interval, limit: int) -> tuple[bool, bool]:
    """Which of the two sides are seen in both frames: not on the picture's border."""
    return min(start[0], end[0]) > 0, max(start[1], end[1]) < limit


def _scale(start: Interval, end: Interval, limit: int) -> float | None:
    """How much the stretch grew; None when a side left the picture."""
    return (end[1] - end[0]) / (start[1] - start[0]) if all(_free(start, end, limit)) else None


def _shift(start: Interval, end: Interval, scale: float, limit: int) -> float:
    """Where the picture's origin goes: by the side that is seen in both frames, else by the centres."""
    low, high = _free(start, end, limit)
    if low == high:
        return (end[0] + end[1]) / 2 - scale * (start[0] + start[1]) / 2
    side = 0 if low else 1
    return end[side] - scale * start[side]
