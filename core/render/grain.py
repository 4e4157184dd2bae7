"""Texture and film grain for painted pixels: what surrounds a region has them, and what is painted
or filled in smoothly lacks them.

Both are measured in a ring around the region and drawn anew from fixed seeds, so that the same
frame always gets the same pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.masks import bounding_box

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

FINE = 1.0
"""Pixels: grain is what is finer than this Gaussian."""
BLOCK = 8
"""Pixels a side of the squares in which grain is measured; the evenest of them tell."""
EVENEST = 10
"""Per cent of the squares that are taken to show nothing but grain."""
STRONGEST = 5.0
"""8-bit levels (standard deviation, in the fine band) beyond which it is no grain."""
LEAST_BOIL = 0.6
"""Share of the grain that is drawn anew on every frame, even where a picture that is carried on has
some of its own.
"""
NEAR = 6.0
"""Pixels over which the grain that is there already is averaged."""
RING = 24
"""Pixels around the region that its surroundings are."""


def grain_around(source: NDArray[np.uint8], mask: Mask, before: NDArray[np.uint8] | None = None) -> float:
    """Standard deviation, in 8-bit levels, of the grain of `source` (h, w, 3) around `mask` (h, w);
    0 where there is too little to tell.

    `before` is a neighbouring frame: grain differs from frame to frame, texture hardly does.

    Args:
        source: uint8 (h, w, 3).
        mask: bool (h, w).
        before: A neighbouring frame, (h, w, 3): grain differs from frame to frame, texture hardly
            does.

    Returns:
        8-bit levels.
    """
    ring = (cv2.dilate(mask.astype(np.uint8), np.ones((2 * RING + 1,) * 2, np.uint8)) > 0) & ~mask
    gray = _gray(source)
    found = [_evenest(gray, ring)]
    if before is not None:
        found.append(_evenest(gray - _gray(before), ring) / np.sqrt(2))
    return float(min(found)) if min(found) < STRONGEST else 0.0


def ring_box(mask: Mask) -> Box[int]:
    """The part of the frame that holds the mask (H, W) and what surrounds it."""
    return (bounding_box(mask) or Box(0, 0, 0, 0)).grow(RING, mask.shape)


def add_grain(picture: NDArray[np.uint8], weight: Image, level: float, seed: tuple[int, ...], boil: float = 0.0) -> NDArray[np.uint8]:
    """`picture` (h, w, 3) with grain where `weight` (h, w) in [0, 1] says, so that it comes to
    `level` with what is there already.

    At least the share `boil` of it is new. The same `seed` gives the same grain.

    Args:
        picture: uint8 (h, w, 3).
        weight: (h, w) in [0, 1].
        level: Standard deviation to reach, in 8-bit levels.
        seed: The same seed gives the same grain.
        boil: The least share of the grain that is new, 0 to 1.

    Returns:
        A new picture, or the same where there is no grain to add.
    """
    if level < 0.3:
        return picture
    own = cv2.GaussianBlur(_fine(_gray(picture)) ** 2, (0, 0), NEAR)
    amount = np.sqrt(np.maximum(level**2 - own, (boil * level) ** 2)) * weight
    noise = np.asarray(cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(weight.shape, np.float32), (0, 0), 0.5), np.float32)
    noise /= max(float(_fine(noise).std()), 1e-6)
    return np.clip(np.rint(picture + (amount * noise)[..., None]), 0, 255).astype(np.uint8)


def _gray(picture: NDArray[np.uint8]) -> Image:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def _fine(gray: Image) -> Image:
    return gray - cv2.GaussianBlur(gray, (0, 0), FINE)


def _evenest(gray: Image, ring: Mask) -> float:
    """Standard deviation of the fine band in the evenest squares that lie in the ring."""
    height, width = (side // BLOCK * BLOCK for side in gray.shape)
    if not height or not width:
        return 0.0
    squares = (height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    energy = (_fine(gray)[:height, :width] ** 2).reshape(squares).mean((1, 3))
    inside = ring[:height, :width].reshape(squares).all((1, 3))
    return float(np.sqrt(np.percentile(energy[inside], EVENEST))) if inside.sum() >= 4 else 0.0
