"""Masks as arrays, and the boxes around them that everything works in: most of a frame is empty."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Span = tuple[int, int, int, int]
"""Half-open (y0, y1, x0, x1)."""


def bounding_span(mask: Mask) -> Span | None:
    """The smallest half-open (y0, y1, x0, x1) that holds the mask; None when it is empty."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    return (y, y + height, x, x + width) if width else None


def grow(span: Span, amount: int, shape: tuple[int, ...], keep_border: bool = False) -> Span:
    """Move all four sides outwards by `amount`, within the frame; with `keep_border` a side on the frame's border doesn't move inwards."""
    y0, y1, x0, x1 = span
    sides = [max(y0 - amount, 0), min(y1 + amount, shape[0]), max(x0 - amount, 0), min(x1 + amount, shape[1])]
    if keep_border:
        for index, (side, border) in enumerate(((y0, 0), (y1, shape[0]), (x0, 0), (x1, shape[1]))):
            sides[index] = border if side == border else sides[index]
    return sides[0], sides[1], sides[2], sides[3]


def cut(array: NDArray, span: Span) -> NDArray:
    """The part of (H, W, ...) inside a span, as a view."""
    return array[span[0] : span[1], span[2] : span[3]]
