"""The picture of an insert: read with its alpha, kept as PNG, laid on frames by its corners."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.geometry import Box
from core.media.images import read_image_with_alpha

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

LONGEST = 4096
"""Pixels that a side of the picture has at most; a larger one is made smaller."""
VISIBLE = 8
"""Alpha of 255 from which on something of a picture is seen."""
FINER = 1.4
"""Pixels of the picture for each pixel of the frame from which it is sampled."""


def read_picture(path: Path, name: str | None = None) -> tuple[Picture, tuple[str, ...]]:
    """Read a picture to be laid on a clip.

    Args:
        path: Its file.
        name: What messages call it; the path when None.

    Returns:
        uint8 (h, w, 4), and what a person should know of it, in sentences.

    Raises:
        InputError: It is no picture, is too large, or is transparent everywhere.
    """
    shown = name or str(path)
    try:
        colours, alpha = read_image_with_alpha(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), f"'{shown}'")) from error
    if alpha.max(initial=0) < VISIBLE:
        raise InputError(f"'{shown}' is transparent everywhere, so there is nothing to add: give a picture that shows something")
    picture, notes = np.dstack([colours, alpha]), []
    if alpha.min(initial=255) == 255:
        notes.append(f"'{shown}' has no transparency: all of its rectangle is laid on the frame.")
    height, width = alpha.shape
    if max(width, height) > LONGEST:
        scale = LONGEST / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = _unmixed(np.asarray(cv2.resize(_mixed(picture), size, interpolation=cv2.INTER_AREA), np.float32))
        notes.append(f"'{shown}' is {width} × {height}; it is kept with {size[0]} × {size[1]} pixels.")
    return picture, tuple(notes)


def encode_picture(picture: Picture) -> bytes:
    """uint8 (h, w, 4) as PNG."""
    bgra = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
    return bytes(cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 6])[1].tobytes())


@dataclass(frozen=True)
class Laid:
    """A picture as it lies on a frame.

    Attributes:
        box: The part of the frame that it lies in, (h, w) in size.
        colours: (h, w, 3), its colours; they mean nothing where it is transparent.
        alpha: (h, w) in [0, 1], how much of each pixel it is.
    """

    box: Box[int]
    colours: Floats
    alpha: Floats


def corner_motion(start: NDArray, end: NDArray) -> Matrix:
    """The motion, 3x3, that takes four corners (4, 2) to four others, in pixels of OpenCV (whose
    centres lie at whole numbers).
    """
    one, two = (np.asarray(corners, np.float32) - np.float32(0.5) for corners in (start, end))
    return np.asarray(cv2.getPerspectiveTransform(one, two), np.float64)


def moved_corners(corners: NDArray, motion: Matrix) -> NDArray[np.float64]:
    """Corners (4, 2) moved by a motion, 3x3, in pixels of OpenCV."""
    there = cv2.perspectiveTransform(np.asarray(corners, np.float64)[None] - 0.5, motion)
    return np.asarray(there[0] + 0.5, np.float64)


def lay(picture: Picture, corners: NDArray, size: tuple[int, int]) -> Laid | None:
    """Lay a picture on a frame.

    Args:
        picture: uint8 (h, w, 4).
        corners: (4, 2), where its corners lie, in source pixels.
        size: (W, H) of the frame.

    Returns:
        It as it lies there; None where it lies beside the frame.
    """
    corners = np.asarray(corners, np.float64)
    low, high = np.floor(corners.min(0)) - 1, np.ceil(corners.max(0)) + 1
    if (high <= 0).any() or (low >= size).any():
        return None
    box = Box(*(int(max(0, each)) for each in low), *(int(min(side, each)) for side, each in zip(size, high, strict=True)))
    if box.is_empty:
        return None
    mixed = _fitting(_mixed(picture), corners)
    height, width = mixed.shape[:2]
    # A rim without colour, so that its edge is even.
    mixed = np.pad(mixed, ((1, 1), (1, 1), (0, 0)))
    own = np.array([(1, 1), (width + 1, 1), (width + 1, height + 1), (1, height + 1)], np.float64)
    motion = corner_motion(own, corners - (box.x0, box.y0))
    laid = cv2.warpPerspective(mixed, motion, (box.width, box.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    alpha = np.clip(laid[..., 3], 0, 1)
    return Laid(box, np.asarray(laid[..., :3] / np.maximum(alpha, 1e-4)[..., None], np.float32), np.asarray(alpha, np.float32))


def lay_moving(picture: Picture, places: Sequence[NDArray], size: tuple[int, int]) -> Laid | None:
    """Lay a picture on a frame as it looks while the shutter is open.

    Args:
        picture: uint8 (h, w, 4).
        places: (4, 2) each, where its corners lie one after the other meanwhile.
        size: (W, H) of the frame.

    Returns:
        It as it lies there; None where it lies beside the frame.
    """
    if len(places) == 1:
        return lay(picture, places[0], size)
    parts = [part for part in (lay(picture, corners, size) for corners in places) if part is not None]
    if not parts:
        return None
    low, high = (bound([getattr(part.box, side) for part in parts]) for bound, side in ((min, "x0"), (max, "x1")))
    top, bottom = (bound([getattr(part.box, side) for part in parts]) for bound, side in ((min, "y0"), (max, "y1")))
    box = Box(low, top, high, bottom)
    mixed = np.zeros((box.height, box.width, 4), np.float32)
    for part in parts:
        inner = mixed[part.box.y0 - top : part.box.y1 - top, part.box.x0 - low : part.box.x1 - low]
        inner[..., :3] += part.colours * part.alpha[..., None]
        inner[..., 3] += part.alpha
    alpha = mixed[..., 3] / len(places)
    return Laid(box, np.asarray(mixed[..., :3] / np.maximum(mixed[..., 3:], 1e-4), np.float32), np.asarray(alpha, np.float32))


def _fitting(mixed: Floats, corners: NDArray) -> Floats:
    """A picture (h, w, 4) with about as many pixels as its place has: a much finer one would
    shimmer.
    """
    height, width = mixed.shape[:2]
    sides = np.linalg.norm(corners - np.roll(corners, -1, 0), axis=-1)
    across, down = max(sides[0], sides[2]) / width, max(sides[1], sides[3]) / height
    factors = [min(1.0, FINER * each) for each in (across, down)]
    size = (max(1, math.ceil(width * factors[0])), max(1, math.ceil(height * factors[1])))
    return mixed if size == (width, height) else np.asarray(cv2.resize(mixed, size, interpolation=cv2.INTER_AREA), np.float32)


def _mixed(picture: Picture) -> Floats:
    """Colours times alpha in 8-bit levels, and alpha in [0, 1], (h, w, 4): what may be averaged."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.concatenate([picture[..., :3] * alpha, alpha], -1).astype(np.float32)


def _unmixed(mixed: Floats) -> Picture:
    alpha = mixed[..., 3:]
    return np.rint(np.concatenate([mixed[..., :3] / np.maximum(alpha, 1e-4), 255 * alpha], -1)).clip(0, 255).astype(np.uint8)
