"""What a keyframe adds beside the thing, like a hat: the source shows nothing of it, so it is laid
on every frame as it is, along the motion of the part of the thing that it sits on.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.colours import Palette
from core.carrying.decision import kept_edges
from core.geometry import Box
from core.masks import bounding_box, depth_inside

Floats = NDArray[np.float32]
Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]

CORE = 0.7
"""Of the region's depth, from where on it surely shows the thing, also where it is much wider."""
AROUND = 40
"""Pixels around the region whose colours are those of what is around the thing."""
CHANGED = 10.0
"""8-bit levels from which on a pixel is changed."""
LEAST = 150
"""Pixels that an addition has at least."""
KEPT = 0.3
"""How much of the source's edges is left under it at most."""
ON_THING = 0.9
"""How near the colours under it come to the thing's own where it lies on the thing: there the
source tells better how it moves.
"""
RIM = 6
"""Pixels from the region's edge within which it may show what is around the thing."""
THICK = 7
"""Pixels that it is wide at least."""
HOLDS = 40
"""Correspondences that tell how the part of the thing moves that it sits on."""
GROWS = 1.3
"""How many times more a part of the thing may grow than the whole."""
MISS = 4.0
"""Pixels by which they may miss one motion."""


@dataclass(frozen=True)
class Addition:
    """A part that is added.

    Attributes:
        box: Where it is on the keyframe.
        picture: (h, w, 4), its colours, and how much of each pixel it is in [0, 1].
    """

    box: Box[int]
    picture: Floats

    def onto(self, frame: Frame, motion: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """Lay it on a frame.

        Args:
            frame: (H, W, 3).
            motion: 2x3, from the keyframe's pixels to the frame's.

        Returns:
            Its colours (H, W, 3), and how much of each pixel it is (H, W).
        """
        size = frame.shape[1::-1]
        shift = np.array([[1, 0, self.box.x0], [0, 1, self.box.y0], [0, 0, 1]], np.float64)
        laid = cv2.warpAffine(self.picture, motion @ shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        alpha = laid[..., 3]
        return np.asarray(laid[..., :3] / np.maximum(alpha, 1e-3)[..., None], np.float32), np.asarray(alpha, np.float32)

    def motion(self, start: Floats, end: Floats) -> NDArray[np.float64] | None:
        """How it moves, told by what of the thing is nearest to it.

        Args:
            start: (N, 2), places (x, y) of the thing on the keyframe, in pixels.
            end: (N, 2), the same on a frame.

        Returns:
            2x3; None where too little of the thing near it is found again.
        """
        whole = _fitted(start, end)
        middle = np.array([self.box.x0 + self.box.width / 2, self.box.y0 + self.box.height / 2])
        far = np.linalg.norm(start - middle, axis=-1)
        for reach in (1.5, 2.5, 4.0):
            near = far < reach * max(self.box.width, self.box.height)
            found = _fitted(start[near], end[near])
            # A part moves otherwise than the whole, but hardly grows otherwise.
            if found is not None and (whole is None or 1 / GROWS < _scale(found) / _scale(whole) < GROWS):
                return found
        return whole if whole is not None else _shifted(start, end, far, max(self.box.width, self.box.height))


def _fitted(start: Floats, end: Floats) -> NDArray[np.float64] | None:
    """The shift, turn and scale (2x3) that takes places (N, 2) to places; None where less than
    half agree.
    """
    if len(start) < HOLDS:
        return None
    cv2.setRNGSeed(0)  # its samples are drawn at random
    found, agree = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=MISS)
    return np.asarray(found, np.float64) if found is not None and agree.mean() >= 0.5 else None


def _shifted(start: Floats, end: Floats, far: Floats, size: int) -> NDArray[np.float64] | None:
    """The shift (2x3) of the places (N, 2) that are nearest, (N,), to something of this size; None
    where they go different ways.
    """
    near = np.argsort(far)[: 4 * HOLDS]
    if len(near) < HOLDS:
        return None
    ways = end[near] - start[near]
    way = np.median(ways, 0)
    if np.median(np.linalg.norm(ways - way, axis=-1)) > size / 6:
        return None
    return np.array([[1, 0, way[0]], [0, 1, way[1]]], np.float64)


def _scale(motion: NDArray[np.float64]) -> float:
    return max(float(np.hypot(motion[0, 0], motion[1, 0])), 1e-6)


def added_parts(source: Frame, picture: Frame, mask: Mask, thing: Mask | None = None) -> tuple[Mask, Mask]:
    """Find what may be added beside the thing.

    Args:
        source: uint8 (H, W, 3), the frame.
        picture: uint8 (H, W, 3), the frame as it was accepted.
        mask: bool (H, W), the region.
        thing: bool (H, W), the thing's own mask; None where only the region is known.

    Returns:
        Where something is added, and where the thing itself is, as far as that is sure: bool (H, W)
        each.
    """
    nothing = np.zeros_like(mask)
    box = bounding_box(mask)
    if box is None:
        return nothing, mask
    changed = (cv2.absdiff(source, picture).max(-1) > CHANGED) & mask
    depth = depth_inside(mask if thing is None else thing)
    core = depth > CORE * depth.max()
    # The rim of a region that is wider than the thing shows what is around it, too.
    rim = (mask & ~changed & (depth < RIM)) | ~mask
    if thing is not None:
        changed &= ~thing
    if core.sum() < LEAST:
        return nothing, mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THICK, THICK))
    thick = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(thick)
    parts = nothing.copy()
    for number in range(1, count):
        part = labels == number
        x, y, width, height, size = (int(value) for value in stats[number])
        near = Box(x, y, x + width, y + height).grow(max(width, height, AROUND), mask.shape)
        if size < LEAST or core[part].any() or near.crop(rim).sum() < LEAST:
            continue
        likely, own, other = _likely(source, core, near, rim)
        if likely[near.crop(part)].mean() > ON_THING * own + (1 - ON_THING) * other:
            continue
        if kept_edges(source, picture, cv2.dilate(part.astype(np.uint8), kernel) > 0) < KEPT:
            parts |= part
    parts = (cv2.dilate(parts.astype(np.uint8), kernel) > 0) & changed  # opened, they lost their corners
    if thing is not None:
        return parts, thing & ~parts
    if not parts.any():
        return parts, mask
    whole = box.grow(AROUND, mask.shape)
    likely, own, other = _likely(source, core, whole, rim)
    found = nothing.copy()
    found[whole.slices] = likely > (own + other) / 2
    return parts, found & mask & ~parts


def _likely(source: Frame, core: Mask, near: Box[int], rim: Mask) -> tuple[Floats, float, float]:
    """How likely the pixels of a part of the frame are the thing's, (h, w), and how likely they are
    on it and around it: its colours are known from `core`, those around it from `rim`, (H, W) each.
    """
    palette = Palette(source[core].astype(np.float32), near.crop(source)[near.crop(rim)].astype(np.float32))
    likely = cv2.GaussianBlur(palette.of(source), (0, 0), 2.0)
    here = near.crop(np.asarray(likely, np.float32))
    return here, float(likely[core].mean()), float(here[near.crop(rim)].mean())


def additions_of(picture: Frame, parts: Mask) -> list[Addition]:
    """The parts (H, W) of a picture (H, W, 3) that are laid on other frames, each by itself."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(parts.astype(np.uint8))
    result = []
    for number in range(1, count):
        x, y, width, height = (int(side) for side in stats[number, :4])
        box = Box(x, y, x + width, y + height).grow(3, parts.shape)
        alpha = np.asarray(cv2.GaussianBlur(box.crop(labels == number).astype(np.float32), (0, 0), 0.7))[..., None]
        result.append(Addition(box, np.concatenate([box.crop(picture) * alpha, alpha], -1).astype(np.float32)))
    return result
