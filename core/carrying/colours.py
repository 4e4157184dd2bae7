"""What a keyframe makes of the source's colours: a map from source colours to changed ones, smooth,
and sure where the keyframe shows such colours; or one turn of all hues.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.carrying.hues import HueTurn

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

BINS = 17
"""Grid points of the map along each of red, green and blue."""
WIDTHS = (4.0, 2.0, 1.0, 0.5)
"""Grid points over which colours are taken together, the widest first."""
EVIDENCE = 12.0
"""Pixels that a grid point needs to speak for itself."""
RIDGE = 2e-4
CLIPPED = 4
"""Rounds in which the affine map is fitted to what was clipped."""
ODD, UNUSUAL = 0.1, 12.0
"""What a pixel counts whose change is unlike that of most, and 8-bit levels from which on it is."""
SAMPLE = 20_000
"""Pixels by which the two kinds of map are compared."""
PLAINER = 0.5
"""A turn of hues is taken for the map where it leaves at most this share of what that leaves."""


class ColourMap:
    """A smooth map from source colours to changed ones.

    An affine map of all colours, and what it misses in grid points, those with few pixels after
    their neighbours. Where a turn of hues leaves much less, it is that.
    """

    def __init__(self, before: Floats, after: Floats, weight: Floats) -> None:
        """Learn from pairs.

        Args:
            before: (N, 3), colours of the source, 0 to 255.
            after: (N, 3), what they became.
            weight: (N,), how much each counts.
        """
        total = max(float(weight.sum()), 1e-6)
        self._fit(before, after, weight)
        # What is unlike most that is changed may be no part of the thing: of colours that others
        # have, too, those others tell.
        apart = np.abs(after - self._affine(before)).max(-1)
        usual = np.median(apart[weight > 0.5 * weight.max()])
        weight = (weight * (ODD + (1 - ODD) * np.exp(-((apart / max(4 * usual, UNUSUAL)) ** 2)))).astype(np.float32)
        total = max(float(weight.sum()), 1e-6)
        self._fit(before, after, weight)
        missed = after - self._affine(before)
        self._unknown = min(float(np.sqrt((weight * (missed**2).sum(-1)).sum() / total)) * 2 + 10, UNKNOWN)
        sums, counts = _splat(before, np.concatenate([missed, (missed**2).sum(-1, keepdims=True)], -1), weight)
        value = np.zeros((BINS, BINS, BINS, 4))
        value[..., 3] = float((weight * (missed**2).sum(-1)).sum() / total)
        known = np.zeros((BINS, BINS, BINS))
        for width in WIDTHS:
            near, count = _blurred(sums, width), _blurred(counts[..., None], width)[..., 0]
            share = (count / (count + EVIDENCE / width))[..., None]
            value = share * near / np.maximum(count, 1e-9)[..., None] + (1 - share) * value
            known = count / (count + EVIDENCE)
            if width == 1.0:
                self._known = known
        steps = np.arange(BINS) * (255 / (BINS - 1))
        grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
        mapped = np.clip(self._affine(grid.reshape(-1, 3)).reshape(grid.shape) + value[..., :3], 0, 255)
        spread_left = np.sqrt(np.maximum(value[..., 3] - (value[..., :3] ** 2).sum(-1), 0))
        self._mapped = _table(mapped)
        self._doubts = _table(np.stack([spread_left * 2, 255 * (1 - self._known), np.zeros_like(spread_left)], -1).clip(0, 255))
        self._turn = self._turned(before, after, weight)

    def _turned(self, before: Floats, after: Floats, weight: Floats) -> HueTurn | None:
        """A turn of hues, where it is plainer than the map."""
        turn, step = HueTurn(before, after, weight), len(before) // SAMPLE + 1
        shown, after, weight = before[None, ::step].astype(np.uint8), after[::step], weight[::step]
        errors = [((said[0] - after) ** 2).mean(-1) for said in (turn.of(shown), self._by_table(shown))]
        turned, mapped = (float(np.sqrt(np.average(error, weights=weight))) for error in errors)
        self._turn_missed = turned
        return turn if turned < PLAINER * mapped else None

    def _fit(self, before: Floats, after: Floats, weight: Floats) -> None:
        """The affine map. What is as bright or as dark as it can be says no more than that: it may
        go beyond.
        """
        total = max(float(weight.sum()), 1e-6)
        self._mean = (weight[:, None] * before).sum(0) / total
        x, wanted = (before - self._mean) / 255, after
        spread = (x * weight[:, None]).T @ x / total + RIDGE * np.eye(3)
        for _ in range(CLIPPED):
            self._target = (weight[:, None] * wanted).sum(0) / total
            # Without evidence colours keep their differences.
            own = (x * weight[:, None]).T @ ((wanted - self._target) / 255) / total
            self._slope = np.linalg.solve(spread, own + RIDGE * np.eye(3))
            said = x @ self._slope * 255 + self._target
            wanted = np.where(after >= 254, np.maximum(after, said), np.where(after <= 1, np.minimum(after, said), after))

    def _affine(self, colours: NDArray) -> NDArray:
        return np.asarray(np.clip((colours - self._mean) @ self._slope + self._target, 0, 255))

    def of(self, picture: Picture) -> Floats:
        """What becomes of the colours of a picture, uint8 (H, W, 3): float32, 0 to 255."""
        return self._by_table(picture) if self._turn is None else self._turn.of(picture)

    def _by_table(self, picture: Picture) -> Floats:
        return np.asarray(Image.fromarray(picture).filter(self._mapped)).astype(np.float32)

    def doubts(self, picture: Picture) -> Floats:
        """By how much the map may be wrong on a picture (H, W, 3): 8-bit levels, (H, W)."""
        if self._turn is not None:
            return np.full(picture.shape[:2], 2 * self._turn_missed, np.float32)
        found = np.asarray(Image.fromarray(picture).filter(self._doubts)).astype(np.float32)
        return np.asarray(found[..., 0] / 2 + found[..., 1] / 255 * self._unknown, np.float32)


class Palette:
    """Tells the colours of a thing from those around it."""

    def __init__(self, thing: Floats, around: Floats) -> None:
        """Learn from colours.

        Args:
            thing: (N, 3), 0 to 255.
            around: (M, 3).
        """
        own, other = (_blurred(_counted(colours), 0.7) for colours in (thing, around))
        other *= own.sum() / max(float(other.sum()), 1e-6)
        share = (own + PRIOR * UNSEEN) / (own + other + UNSEEN)
        self._table = _table(np.repeat(255 * share, 3, -1))

    def of(self, picture: Picture) -> Floats:
        """How likely each pixel of a picture (H, W, 3) is the thing's, (H, W) in [0, 1]."""
        return np.asarray(np.asarray(Image.fromarray(picture).filter(self._table))[..., 0] / 255, np.float32)


PRIOR, UNSEEN = 0.85, 6.0
"""How likely a colour is the thing's that is seen nowhere, and the pixels that speak as loud."""
UNKNOWN = 90.0
"""8-bit levels by which the map may be wrong for colours that the keyframe never shows."""


def _table(values: NDArray) -> ImageFilter.Color3DLUT:
    """Values (r, g, b, 3) of 0 to 255 as a table for Pillow, in which red runs fastest."""
    flat = np.transpose(values, (2, 1, 0, 3)).reshape(-1, 3) / 255
    return ImageFilter.Color3DLUT(BINS, [tuple(row) for row in flat.tolist()])


def _splat(colours: Floats, values: NDArray, weight: Floats) -> tuple[NDArray, NDArray]:
    """Sums of values (N, C) and of weights at the grid points around each colour (N, 3)."""
    place = np.clip(colours, 0, 255) * ((BINS - 1) / 255)
    low = np.minimum(place.astype(int), BINS - 2)
    rest = place - low
    sums, counts = np.zeros((BINS**3, values.shape[1])), np.zeros(BINS**3)
    for corner in range(8):
        offset = np.array([corner >> 2 & 1, corner >> 1 & 1, corner & 1])
        share = weight * np.prod(np.where(offset == 1, rest, 1 - rest), -1)
        at = np.ravel_multi_index(tuple((low + offset).T), (BINS,) * 3)
        counts += np.bincount(at, share, BINS**3)
        for channel in range(values.shape[1]):
            sums[:, channel] += np.bincount(at, share * values[:, channel], BINS**3)
    return sums.reshape(BINS, BINS, BINS, -1), counts.reshape(BINS, BINS, BINS)


def _counted(colours: Floats) -> NDArray:
    """How many of the colours (N, 3) are near each grid point, (BINS, BINS, BINS, 1)."""
    return _splat(colours, np.zeros((len(colours), 0)), np.ones(len(colours), np.float32))[1][..., None]


def _blurred(values: NDArray, width: float) -> NDArray:
    """A Gaussian along the three colour axes; its middle counts 1, so counts stay counts."""
    reach = np.arange(BINS)
    kernel = np.exp(-((reach[:, None] - reach[None]) ** 2) / (2 * width**2))
    for axis in range(3):
        values = np.moveaxis(np.tensordot(kernel, values, (1, axis)), 0, axis)
    return values
