"""What an edit shows, by itself with alpha: laid over the clip again it gives the result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.masks import bounding_box
from core.render.edit_alpha import edit_alpha

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

AROUND = 24
"""Pixels around the region in which an edit is told from what is around it."""


def edited_alone(result: Frame, below: Frame, region: Mask, known: Floats | None = None) -> NDArray[np.uint8]:
    """The edit of a frame by itself.

    Args:
        result: uint8 (H, W, 3), the frame with the edit.
        below: uint8 (H, W, 3), the frame that the edit stands on.
        region: bool (H, W), what may have changed.
        known: (H, W) in [0, 1], how much of each pixel is the edit where that is known; None to
            tell it by what differs.

    Returns:
        uint8 (H, W, 4): over `below` it gives `result`, within rounding; transparent where the two
        are the same and the edit hides nothing.
    """
    alone = np.zeros((*region.shape, 4), np.uint8)
    box = bounding_box(region)
    if box is None:
        return alone
    box = box.grow(AROUND, region.shape)
    one, other = box.crop(result), box.crop(below)
    asked = edit_alpha(one, other, box.crop(region)) if known is None else box.crop(known)
    _fill(alone, box, one.astype(np.float32), other.astype(np.float32), asked)
    return alone


def _fill(alone: NDArray[np.uint8], box: Box[int], result: Floats, below: Floats, asked: Floats) -> None:
    """Put the colours and the alpha of the pixels in `box` into `alone` (H, W, 4)."""
    apart = result - below
    # So much of a pixel has to be the edit at least: no colour is darker than black or brighter
    # than white.
    room = np.where(apart > 0, 255 - below, below)
    least = (np.abs(apart) / np.maximum(room, 1e-6)).max(-1)
    alpha = np.ceil(255 * np.clip(np.maximum(asked, least), 0, 1) - 1e-3)
    colours = below + apart * (255 / np.maximum(alpha, 1))[..., None]
    shown = np.concatenate([np.clip(np.rint(colours), 0, 255), alpha[..., None]], -1)
    alone[box.slices] = np.where(alpha[..., None] > 0, shown, 0).astype(np.uint8)
