"""A finished edit over what is below it: in part, with its colours mixed, behind what stays in
front.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks import bounding_box
from core.project.mix import Blend, Mix
from core.render.alone import edited_alone

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

EDGE = 0.8
"""Pixels over which the edge of what is in front is soft."""


def blended(below: Floats, colours: Floats, blend: Blend) -> Floats:
    """Colours, (..., 3) in 8-bit levels, as they mix with those below.

    Args:
        below: (..., 3).
        colours: The same shape.
        blend: How.

    Returns:
        The same shape.
    """
    if blend == "multiply":
        return np.asarray(below * colours / 255, np.float32)
    if blend == "screen":
        return np.asarray(255 - (255 - below) * (255 - colours) / 255, np.float32)
    return colours


def not_hidden(front: Mask) -> Floats:
    """How much of each pixel is seen behind what is in front.

    Args:
        front: bool (h, w).

    Returns:
        (h, w) in [0, 1].
    """
    return np.asarray(1 - cv2.GaussianBlur(front.astype(np.float32), (0, 0), EDGE), np.float32)


def behind(below: Frame, edited: Frame, region: Mask, front: Mask) -> Frame:
    """An edited frame with what stays in front of the edit.

    Args:
        below: uint8 (H, W, 3), the frame that the edit stands on.
        edited: The same shape.
        region: bool (H, W), what may have changed.
        front: bool (H, W).

    Returns:
        A new frame, or `edited` where nothing is in front.
    """
    box = bounding_box(region & front)
    if box is None:
        return edited
    box = box.grow(round(4 * EDGE), region.shape)
    base = box.crop(below).astype(np.float32)
    seen = not_hidden(box.crop(front))[..., None]
    result = edited.copy()
    result[box.slices] = np.rint(base + seen * (box.crop(edited) - base)).astype(np.uint8)
    return result


def mixed(shown: Frame, below: Frame, edited: Frame, region: Mask, mix: Mix) -> Frame:
    """An edit laid over a frame as its mix says.

    Args:
        shown: uint8 (H, W, 3), what it is laid over.
        below: The same shape, the frame that it was made on; `shown` itself unless other edits that
            show in part lie between.
        edited: The same shape, `below` with the edit.
        region: bool (H, W), what may have changed.
        mix: How it is laid over.

    Returns:
        A new frame; outside the region it is `shown`.
    """
    box = bounding_box(region)
    if box is None:
        return shown
    result = shown.copy()
    base = box.crop(shown).astype(np.float32)
    if shown is below and mix.blend == "normal":
        laid = base + np.float32(mix.opacity) * (box.crop(edited) - base)
    else:
        alone = box.crop(edited_alone(edited, below, region)).astype(np.float32)
        alpha = alone[..., 3:] * np.float32(mix.opacity / 255)
        laid = base + alpha * (blended(base, alone[..., :3], mix.blend) - base)
    result[box.slices] = np.clip(np.rint(laid), 0, 255).astype(np.uint8)
    return result
