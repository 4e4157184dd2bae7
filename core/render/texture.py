"""The texture of what surrounds a hole, made anew for its inside: a smooth fill shows as a blot
wherever there is grass, gravel or cloth.

The texture has the spectrum of the surroundings and random phases (Galerne, Gousseau, Morel: Random
phase textures, 2011), so it repeats nothing that could be recognised. It is drawn once and lies
still on the background: frames look it up where the background has moved to.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

COARSE = 5.0
"""Pixels, at a width of 854: texture is what is finer than this Gaussian."""
STRENGTH = 0.7
"""Share of the surroundings' contrast that the texture gets: where it does not fit what is really
there, all of it would show.
"""
RARE = 95
"""Details beyond this percentile are edges, no texture."""
LOCAL = 12.0
"""Pixels over which a fill's own detail is measured."""
ALIKE = 18.0
"""8-bit levels by which a fill's colour may differ from that of surroundings whose texture it gets.
"""
SAMPLES = 600
"""How many places of the surroundings are asked, and at about how many places of the hole."""
LEAST = 0.04
"""The share of a picture that has to be known, to tell the texture by."""


class Texture:
    """A tile of texture without seams."""

    def __init__(self, picture: Image, hole: Mask, width: int, seed: int) -> None:
        """`picture` (h, w, 3) in 8-bit levels shows a `hole` (h, w) and what surrounds it, in
        frames of `width` pixels.
        """
        self._coarse = max(COARSE * width / 854, 2.0)
        self._tile: Image | None = None
        if (~hole).mean() < LEAST:
            return
        detail = self._detail(picture, hole)
        phase = np.fft.rfft2(np.random.default_rng(seed).standard_normal(hole.shape))
        phase /= np.maximum(np.abs(phase), 1e-9)
        tile = np.stack([np.fft.irfft2(np.abs(np.fft.rfft2(detail[..., c])) * phase, s=hole.shape) for c in range(3)], -1)
        spread = float(tile.std())
        if spread > 1e-3:
            self._tile = (tile / spread).astype(np.float32)

    def over(self, fill: Image, picture: Image, hole: Mask, x: Image, y: Image) -> Image:
        """`fill` (h, w, 3) with texture in the hole as strong as around it in `picture`, as far as
        it lacks detail of its own.

        `x` and `y` (h, w) are where the background of each pixel lies in the tile.

        Args:
            fill: (h, w, 3).
            picture: (h, w, 3), what surrounds the hole.
            hole: bool (h, w).
            x: (h, w), column in the tile of each pixel's background.
            y: (h, w), row in the tile.

        Returns:
            (h, w, 3).
        """
        if self._tile is None or (~hole).mean() < LEAST:
            return fill
        wanted = STRENGTH**2 * self._power(fill, picture, hole)
        tile = cv2.remap(self._tile, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        own = fill - cv2.GaussianBlur(fill, (0, 0), self._coarse)
        # What of its detail is this texture already (of a finished frame that was followed), and
        # what is other detail.
        power = np.maximum(_around((tile**2).mean(-1)), 1e-3)
        there = _around((own * tile).mean(-1)) / power
        rest = _around(((own - there[..., None] * tile) ** 2).mean(-1))
        amount = np.maximum(np.sqrt(np.maximum(wanted - rest, 0) / power) - np.maximum(there, 0), 0)
        return np.asarray(fill + (amount * hole)[..., None] * tile, np.float32)

    def _power(self, fill: Image, picture: Image, hole: Mask) -> Image:
        """Mean square (h, w) of the texture that each pixel of the hole should have: that of near
        surroundings of the fill's colour, of which the evener count most, and none where there is
        nothing of its colour.
        """
        known = (~hole).astype(np.float32)
        power = _mean((self._detail(picture, hole) ** 2).mean(-1, keepdims=True), known, LOCAL / 3)[..., 0]
        colours = _mean(picture, known, self._coarse)
        rows, columns = np.nonzero(~hole)
        pick = np.linspace(0, len(rows) - 1, min(SAMPLES, len(rows))).astype(int)
        rows, columns = rows[pick], columns[pick]
        step = max(int(np.sqrt(hole.size / SAMPLES)), 1)
        at = np.mgrid[step // 2 : hole.shape[0] : step, step // 2 : hole.shape[1] : step].astype(np.float32)
        asked = cv2.GaussianBlur(fill, (0, 0), self._coarse)[step // 2 :: step, step // 2 :: step]
        distance = (at[0][..., None] - rows) ** 2 + (at[1][..., None] - columns) ** 2
        unlike = ((asked[:, :, None] - colours[rows, columns]) ** 2).mean(-1)
        near = 1 / (distance + LOCAL**2)
        weight = near * np.exp(-unlike / (2 * ALIKE**2))
        root = 1 / np.sqrt(power[rows, columns] + 0.25)
        found = (weight.sum(-1) / np.maximum((weight * root).sum(-1), 1e-12)) ** 2 - 0.25
        found *= np.minimum(weight.sum(-1) / (0.2 * near.sum(-1)), 1)
        return np.asarray(cv2.resize(np.maximum(found, 0).astype(np.float32), hole.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)

    def _detail(self, picture: Image, hole: Mask) -> Image:
        """What is finer than the texture is coarse, 0 in the hole; what stands out is cut down."""
        known = (~hole).astype(np.float32)
        detail = picture - _mean(picture, known, self._coarse)
        limit = float(np.percentile(np.abs(detail[~hole]), RARE))
        return np.asarray(np.clip(detail, -limit, limit) * known[..., None], np.float32)


def _mean(values: Image, known: Image, sigma: float) -> Image:
    """`values` (h, w, k) blurred over what is known (h, w)."""
    weight = np.maximum(cv2.GaussianBlur(known, (0, 0), sigma), 1e-3)[..., None]
    return np.asarray(cv2.GaussianBlur(values * known[..., None], (0, 0), sigma).reshape(values.shape) / weight, np.float32)


def _around(values: Image) -> Image:
    """The mean over LOCAL pixels, found on a small picture: it is smooth anyway."""
    size = (max(values.shape[1] // 4, 1), max(values.shape[0] // 4, 1))
    small = cv2.GaussianBlur(cv2.resize(values, size, interpolation=cv2.INTER_AREA), (0, 0), LOCAL / 4)
    return np.asarray(cv2.resize(small, values.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
