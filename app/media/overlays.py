"""Masks as pictures to lay over a frame: PNG with a palette, which is an order of magnitude quicker
to write than one of full colours.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FILL, EDGE = 96, 235
"""Opacity, 0 to 255, of an overlay's inside and of its outline."""

INLINE = (255, 255, 255, 190)
"""RGBA of the line inside the outline, by which a red mask shows on a red thing."""

DARK_INLINE = (18, 18, 24, 210)
"""The same for an outline that is white."""

HATCH_LIGHT, HATCH_DARK = (255, 214, 64, 235), (18, 18, 24, 170)
"""RGBA of the stripes over what is in doubt."""

Colour = tuple[int, int, int]


def overlay_png(
    size: tuple[int, int],
    layers: Sequence[tuple[np.ndarray, Colour]],
    max_width: int | None,
    *,
    fill: int = FILL,
    edge: int = 3,
    inline: tuple[int, int, int, int] = INLINE,
) -> bytes:
    """Masks as a transparent picture to lay over their frame; the last one lies on top.

    Args:
        size: (W, H) of the frame.
        layers: Masks, bool (H, W), with their RGB colours.
        max_width: Pixels that the picture may be wide; the frame's own width when None.
        fill: Opacity of the inside, 0 to 255.
        edge: Odd number of pixels that a mask is eroded by for its outline.
        inline: RGBA of the line inside the outline.

    Returns:
        A PNG.
    """
    import cv2
    import numpy as np

    from core.geometry import Box
    from core.masks import bounding_box

    width, height = size
    scale = min(1.0, max_width / width) if max_width else 1.0
    labels = np.zeros((max(1, round(height * scale)), max(1, round(width * scale))), np.uint8)
    palette = [(0, 0, 0, 0), inline]
    for mask, colour in layers:
        whole = bounding_box(mask)
        if whole is None:
            continue
        x0, y0, x1, y1 = (int(side * scale) for side in whole)
        box = Box(x0, y0, x1 + 1, y1 + 1).grow(2, labels.shape)
        smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
        small = box.crop(np.asarray(cv2.resize(mask.view(np.uint8), labels.shape[::-1], interpolation=smooth)))
        inner = cv2.erode(small, np.ones((edge, edge), np.uint8))
        number = len(palette)
        box.crop(labels)[small > 0] = number
        box.crop(labels)[inner > 0] = 1
        box.crop(labels)[cv2.erode(inner, np.ones((3, 3), np.uint8)) > 0] = number + 1
        palette += [(*colour, EDGE), (*colour, fill)]
        if len(palette) > 254:  # a palette holds no more, and 127 colours can't be told apart
            break
    return palette_png(labels, palette)


def hatched_png(mask: np.ndarray, max_width: int | None) -> bytes:
    """A mask as stripes that show on every picture.

    Args:
        mask: bool (H, W).
        max_width: Pixels that the picture may be wide; the mask's own width when None.

    Returns:
        A transparent PNG.
    """
    import cv2
    import numpy as np

    height, width = mask.shape
    scale = min(1.0, max_width / width) if max_width else 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    ys, xs = np.mgrid[: size[1], : size[0]]
    stripes = np.array([2, 2, 3, 3, 1, 1, 1, 1], np.uint8)[(xs + ys) % 8]
    return palette_png(small * stripes, [(0, 0, 0, 0), (0, 0, 0, 0), HATCH_LIGHT, HATCH_DARK])


def palette_png(labels: np.ndarray, palette: Sequence[tuple[int, int, int, int]]) -> bytes:
    """uint8 (H, W) indices into RGBA colours as PNG."""
    from PIL import Image

    picture = Image.fromarray(labels)
    picture.putpalette([level for colour in palette for level in colour[:3]])
    data = io.BytesIO()
    picture.save(data, "PNG", transparency=bytes(colour[3] for colour in palette), compress_level=1)
    return data.getvalue()
