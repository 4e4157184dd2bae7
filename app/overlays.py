"""Masks as pictures to lay over a frame: PNG with a palette, which is an order of magnitude quicker to write than one of full colours."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FILL, EDGE = 96, 235
"""Opacity, 0 to 255, of an overlay's inside and of its outline."""

Colour = tuple[int, int, int]


def overlay_png(
    size: tuple[int, int], layers: Sequence[tuple[np.ndarray, Colour]], max_width: int | None, *, fill: int = FILL, edge: int = 3
) -> bytes:
    """Masks, bool (H, W) of a frame of `size` (W, H), with their RGB colours as a transparent PNG, no wider than `max_width`.

    The last layer lies on top. `edge` is the odd number of pixels that a mask is eroded by for its outline.
    """
    import cv2
    import numpy as np

    width, height = size
    scale = min(1.0, max_width / width) if max_width else 1.0
    labels = np.zeros((max(1, round(height * scale)), max(1, round(width * scale))), np.uint8)
    palette = [(0, 0, 0, 0)]
    for mask, colour in layers:
        box = _box(mask, scale, labels.shape)
        if box is None:
            continue
        smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
        small = np.asarray(cv2.resize(mask.view(np.uint8), labels.shape[::-1], interpolation=smooth))[box]
        inner = cv2.erode(small, np.ones((edge, edge), np.uint8))
        number = len(palette)
        labels[box][small > 0] = number
        labels[box][inner > 0] = number + 1
        palette += [(*colour, EDGE), (*colour, fill)]
        if len(palette) > 254:  # a palette holds no more; nobody tells 127 objects apart by colour
            break
    return palette_png(labels, palette)


def palette_png(labels: np.ndarray, palette: Sequence[tuple[int, int, int, int]]) -> bytes:
    """uint8 (H, W) indices into RGBA colours as PNG. Source of the format: PNG specification, third edition, sections 5 and 11."""
    import numpy as np

    height, width = labels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = labels
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(bytes(colour[:3]) for colour in palette)),
        (b"tRNS", bytes(colour[3] for colour in palette)),
        (b"IDAT", zlib.compress(rows.tobytes(), 1)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _box(mask: np.ndarray, scale: float, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """Where a mask lies in the smaller picture, with a pixel to spare; None when it is empty."""
    import numpy as np

    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(0))
    spans = []
    for found, length in ((rows, shape[0]), (columns, shape[1])):
        spans.append(slice(max(0, int(found[0] * scale) - 2), min(length, int((found[-1] + 1) * scale) + 3)))
    return spans[0], spans[1]
