"""How a region is shown: what it leaves alone is darkened, with a line along its edge, softened as
the composite will be.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.media.overlays import palette_png
from core.geometry import Box
from core.project.shadows import SHADOW_COLOUR
from core.project.tracks import FORMS, MaskAdjustment

if TYPE_CHECKING:
    import numpy as np

    from core.masks import Widths

DARK = 150
"""Opacity, 0 to 255, of the black over what stays as it is."""
_PALETTE = [*((0, 0, 0, dark) for dark in range(DARK + 1)), (255, 255, 255, 235), (*SHADOW_COLOUR, 150)]
"""What a region is drawn with: black of every opacity, the line along its edge, and the tint of
shadows.
"""
_AFFECTED = DARK + 2
_TILE_MARGIN = 0.12  # of the region's larger side, around it in a small picture


def region_overlay(mask: np.ndarray, feather: Widths, max_width: int | None, affected: np.ndarray | None = None) -> bytes:
    """A region to lay over its frame: what stays as it is is darkened.

    Args:
        mask: The region, bool (H, W).
        feather: The width of its edge in pixels, one or (H, W).
        max_width: Pixels that the picture may be wide; the frame's own width when None.
        affected: What a removal takes away besides the region, bool (H, W); it is tinted.

    Returns:
        A transparent PNG.
    """
    import cv2

    height, width = mask.shape
    scale = min(1.0, max_width / width) if max_width else 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    levels = _shade(mask, feather, size)
    if affected is not None:
        levels[cv2.resize((affected & ~mask).astype("uint8"), size, interpolation=cv2.INTER_NEAREST) > 0] = _AFFECTED
    return palette_png(levels, _PALETTE)


def form_tiles(
    frame: np.ndarray, own: Sequence[tuple[np.ndarray, MaskAdjustment]], others: Sequence[tuple[np.ndarray, int]], width: int
) -> bytes:
    """The region in the six forms, side by side.

    All six show the same part of the frame, the one around the largest form.

    Args:
        frame: uint8 (H, W, 3).
        own: The masks whose form changes, bool (H, W), cleaned, each with the rest of its
            adjustment.
        others: Masks that belong to the region as they are, with the width of their edges in
            pixels.
        width: Pixels of each of the six; they are two thirds of that high.

    Returns:
        A JPEG.
    """
    import cv2
    import numpy as np

    from core.masks import bounding_box, feather_of_objects, shaped

    height = round(width * 2 / 3)
    shape = frame.shape[:2]
    forms = [[(shaped(mask, dataclasses.replace(way, form=form)), way.feather) for mask, way in own] for form in FORMS]
    changing, _ = feather_of_objects((part for parts in forms for part in parts) if own else others, shape)
    view = _view(bounding_box(changing), shape, width / height)
    scale = min(width / view.width, height / view.height)
    size = max(1, round(view.width * scale)), max(1, round(view.height * scale))
    picture = cv2.resize(view.crop(frame), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    colours = np.array(_PALETTE, np.float32) / 255
    sheet = np.zeros((height, width * len(FORMS), 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    for index, parts in enumerate(forms):
        region, feather = feather_of_objects([*others, *parts], shape)
        soft = view.crop(feather) if isinstance(feather, np.ndarray) else feather
        shade = colours[_shade(view.crop(region), soft, size)]
        tile = picture * (1 - shade[..., 3:]) + shade[..., :3] * shade[..., 3:] * 255
        sheet[top : top + size[1], index * width + left : index * width + left + size[0]] = np.round(tile)
    return cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _shade(mask: np.ndarray, soft: Widths, size: tuple[int, int]) -> np.ndarray:
    """Of a mask, bool (H, W), at `size` (w, h): uint8 (h, w), places in _PALETTE.

    Dark outside, white along the edge, clear within.
    """
    import cv2
    import numpy as np

    from core.render.composite import soft_edge

    scale = size[0] / mask.shape[1]
    pixels = mask.astype(np.uint8)
    small = cv2.resize(pixels * 255, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    inside = small > 0
    if isinstance(soft, np.ndarray):
        # A pixel of the small picture that the region only touches has the width of what touches
        # it.
        reach = 2 * math.ceil(1 / scale / 2) + 1 if scale < 1 else 1
        near = cv2.erode(soft, np.ones((reach, reach), np.uint8))
        soft = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_NEAREST), np.float64)
    picture = np.round(DARK * (1 - soft_edge(inside, np.round(soft * scale)))).astype(np.uint8)
    picture[inside & (cv2.erode(small, np.ones((3, 3), np.uint8)) == 0)] = DARK + 1
    return picture


def _view(box: Box[int] | None, shape: tuple[int, ...], aspect: float) -> Box[int]:
    """The part of a frame of `shape` (H, W) around a box, as near to `aspect` (W / H) as it allows;
    all of it for None.
    """
    if box is None:
        return Box(0, 0, shape[1], shape[0])
    x0, y0, x1, y1 = box
    margin = _TILE_MARGIN * max(y1 - y0, x1 - x0) + 4
    high = max(y1 - y0 + 2 * margin, (x1 - x0 + 2 * margin) / aspect)
    sides = []
    for low, stop, room, whole in ((y0, y1, high, shape[0]), (x0, x1, high * aspect, shape[1])):
        length = min(whole, round(room))
        begin = min(max(0, (low + stop - length) // 2), whole - length)
        sides += [begin, begin + length]
    return Box(sides[2], sides[0], sides[3], sides[1])
