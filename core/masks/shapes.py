"""Drawn shapes as masks, and shapes in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.masks.importing import ImportedMasks, ImportedObject
from core.masks.sequence import MaskSequence
from core.project.codec import decode
from core.project.plain import parse_json
from core.project.shapes import DrawnShape, Point, ShapeKey

Mask = NDArray[np.bool_]

FINE = 16
"""Parts of a pixel to which an outline is drawn."""
BETWEEN = 12
"""Points of a curve between two that were drawn."""
MOST_BYTES = 64 * 2**20
MOST_SHAPES = 64


def shape_masks(shape: DrawnShape, size: tuple[int, int], total: int) -> MaskSequence:
    """A shape as masks over a whole clip.

    Args:
        shape: The shape.
        size: (W, H) of the frames.
        total: How many frames the clip has.

    Returns:
        The masks of frames 0 to `total`.
    """
    masks = MaskSequence.empty(size, 0, total)
    known: dict[tuple[Point, ...], Mask] = {}
    for frame in range(total):
        points = shape.points_at(frame)
        if points:
            if points not in known:
                known = {points: shape_mask(points, shape.curve, size)}
            masks.set(frame, known[points])
    return masks


def shape_mask(points: tuple[Point, ...], curve: bool, size: tuple[int, int]) -> Mask:
    """The pixels within an outline.

    Args:
        points: In source pixels, in order around it.
        curve: Whether it is a smooth curve through them.
        size: (W, H) of the frame.

    Returns:
        bool (H, W): pixels whose centre lies within.
    """
    outline = curved(np.array(points, np.float64)) if curve else np.array(points, np.float64)
    mask = np.zeros(size[::-1], bool)
    first, last = (np.clip(ends, 0, size).astype(int) for ends in (np.floor(outline.min(0)) - 1, np.ceil(outline.max(0)) + 1))
    width, height = last - first
    if width <= 0 or height <= 0:  # it lies beside the frame
        return mask
    # Drawn 4 times as large, a pixel is within where most of it is.
    large = np.zeros((4 * height, 4 * width), np.uint8)
    corners = np.rint((4 * (outline - first) - 0.5) * FINE).clip(-(2**28), 2**28).astype(np.int32)
    cv2.fillPoly(large, [corners], 255, shift=FINE.bit_length() - 1)
    mask[first[1] : last[1], first[0] : last[0]] = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA) >= 128
    return mask


def curved(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth closed curve (Catmull-Rom) through points (N, 2), as more of them."""
    before, after, behind = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    t = (np.arange(BETWEEN) / BETWEEN)[None, :, None]
    p0, p1, p2, p3 = (each[:, None] for each in (before, points, after, behind))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return np.asarray(curve.reshape(-1, 2), np.float64)


def read_shapes(path: Path, size: tuple[int, int], total: int) -> ImportedMasks:
    """Read shapes from a JSON file, each as an object.

    Args:
        path: The file: `{"shapes": [{"name": "Arm", "curve": true, "frames": {"0": [[x, y], ...],
            "24": [[x, y], ...]}}]}`, with `"size": [W, H]` where it is for frames of another size.
        size: The clip's (W, H).
        total: How many frames the clip has.

    Returns:
        The objects, with the frames that they were drawn on.

    Raises:
        InputError: The file is no such file, or a shape lies on a frame that the clip has not.
    """
    form = 'write {"shapes": [{"name": "Arm", "frames": {"0": [[10, 10], [90, 10], [50, 80]]}}]}'
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"'{path.name}' is too large for a file of shapes: keep it below {MOST_BYTES >> 20} MB")
        data = parse_json(path.read_text(encoding="utf-8"))
        across, down = _scale(data.get("size"), size)
        shapes = [(str(one.get("name") or f"Shape {number}"), _shape(one, across, down)) for number, one in enumerate(data["shapes"], 1)]
    except InputError as error:
        raise InputError(f"'{path.name}' can't be used: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"'{path.name}' is not a file of shapes: {form}") from None
    if not 1 <= len(shapes) <= MOST_SHAPES:
        raise InputError(f"'{path.name}' holds {len(shapes)} shapes: give 1 to {MOST_SHAPES}")
    for name, shape in shapes:
        if shape.keys[-1].frame >= total:
            raise InputError(f"'{path.name}' draws '{name}' on frame {shape.keys[-1].frame}, but the clip ends with frame {total - 1}")
    frames = tuple(range(total))
    return ImportedMasks(tuple(ImportedObject(name, shape_masks(shape, size, total), frames, shape) for name, shape in shapes))


def _shape(data: dict[str, Any], across: float, down: float) -> DrawnShape:
    frames = sorted((int(frame), points) for frame, points in data["frames"].items())
    decoded = ((frame, decode(tuple[Point, ...], points)) for frame, points in frames)
    keys = tuple(ShapeKey(frame, tuple((x * across, y * down) for x, y in points)) for frame, points in decoded)
    return DrawnShape(keys, bool(data.get("curve", False)))


def _scale(own: Any, size: tuple[int, int]) -> tuple[float, float]:
    if own is None:
        return 1.0, 1.0
    width, height = decode(tuple[int, int], own)
    if width < 1 or height < 1:
        raise InputError(f"its size can't be {width}x{height}: give a width and a height of 1 or more")
    return size[0] / width, size[1] / height
