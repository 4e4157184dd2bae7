"""Colours of regions and how far they are apart, in CIE L*a*b* (D65)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.data.vocabulary import COLOURS
from core.errors import InputError
from core.evaluation.arrays import Frame, Mask
from core.masks import bounding_box

_MIDDLE = 0.25
_BIN = 6.0
"""Side of a cell of the colour histogram, in units of L*a*b*: a just noticeable difference is about
2.3."""


def lab(srgb: ArrayLike) -> NDArray[np.float32]:
    """sRGB in [0, 1], (..., 3) -> L*a*b* of the same shape: L in [0, 100], a and b about -128 to
    127."""
    values = np.asarray(srgb, np.float32)
    row = np.ascontiguousarray(values.reshape(1, -1, 3))
    return np.asarray(cv2.cvtColor(row, cv2.COLOR_RGB2LAB), np.float32).reshape(values.shape)


NAMED = {name: lab(value) for name, value in COLOURS.items()}
"""The vocabulary's colours in L*a*b*."""


def cie76(first: ArrayLike, second: ArrayLike) -> float:
    """Distance of two L*a*b* colours (3,): Euclid's (CIE 1976)."""
    return float(np.linalg.norm(np.asarray(first, np.float64) - np.asarray(second, np.float64)))


def ciede2000(first: ArrayLike, second: ArrayLike) -> float:
    """Distance of two L*a*b* colours (3,) that matches the eye (CIE 142-2001; formulas as in
    Sharma, Wu and Dalal, 2005)."""
    l1, a1, b1 = np.asarray(first, np.float64)
    l2, a2, b2 = np.asarray(second, np.float64)
    chroma7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(chroma7 / (chroma7 + 25.0**7))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 if b or a else 0.0 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    if abs(h2 - h1) == 180 and c1 * c2:
        turn = h2 - h1
    delta_l, delta_c, delta_h = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    if c1 * c2 == 0:
        hue = h1 + h2
    elif abs(h1 - h2) <= 180:
        hue = (h1 + h2) / 2
    else:
        hue = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    weight = 1 + sum(
        factor * np.cos(np.radians(times * hue + shift))
        for factor, times, shift in ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63))
    )
    scale_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    scale_c, scale_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weight
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    l_part, c_part, h_part = delta_l / scale_l, delta_c / scale_c, delta_h / scale_h
    return float(np.sqrt(l_part**2 + c_part**2 + h_part**2 + rotation * c_part * h_part))


def mean_colour(picture: Frame, mask: Mask) -> NDArray[np.float32]:
    """L*a*b* of the mean sRGB level in the region `mask` (H, W) of a picture (H, W, 3).

    InputError for an empty region.
    """
    if not mask.any():
        raise InputError("an empty region has no colour")
    return lab(picture[mask].mean(0, dtype=np.float64) / 255)


def dominant_colour(picture: Frame, mask: Mask) -> NDArray[np.float32]:
    """L*a*b* of the colour that the region `mask` (H, W) of a picture (H, W, 3) has most of beyond
    what its surroundings have.

    A thing seldom fills its region: what else is seen there continues outside, and lies at the
    region's rim. So pixels count the more the nearer they are to the middle of the region's box (a
    Gaussian of a quarter of its sides), and the colours of a ring around the region, as wide as a
    fifth of its size, are taken off before the commonest is looked for. InputError for an empty
    region.
    """
    box = bounding_box(mask)
    if box is None:
        raise InputError("an empty region has no colour")
    x0, y0, x1, y1 = box
    rows, columns = np.nonzero(mask)
    across = (columns - (x0 + x1 - 1) / 2) / (_MIDDLE * (x1 - x0))
    down = (rows - (y0 + y1 - 1) / 2) / (_MIDDLE * (y1 - y0))
    colours, weights = lab(picture[mask] / np.float32(255)), np.exp(-(across**2 + down**2) / 2)
    own = _histogram(colours, weights)
    reach = max(3, round(0.2 * np.sqrt(len(rows))))
    ring = (cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0) & ~mask
    if ring.any():
        own = np.maximum(own - _histogram(lab(picture[ring] / np.float32(255)), np.ones(np.count_nonzero(ring))), 0)
    peak = np.array(np.unravel_index(int(own.argmax()), own.shape))
    near = np.abs(colours - ((peak + 0.5) * _BIN + _LOW)).max(1) <= 1.5 * _BIN
    chosen = near if near.any() else np.ones_like(near)
    return np.average(colours[chosen], axis=0, weights=weights[chosen]).astype(np.float32)


_LOW, _HIGH = np.array([0.0, -108.0, -114.0]), np.array([102.0, 108.0, 114.0])


def _histogram(colours: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of cells of L*a*b*, smoothed over neighbours so that a colour on a border is not
    halved."""
    bins = tuple(int(n) for n in np.ceil((_HIGH - _LOW) / _BIN))
    reach = list(zip(_LOW, _LOW + np.array(bins) * _BIN, strict=True))
    counts, _ = np.histogramdd(np.clip(colours, _LOW, _HIGH - 1e-3), bins=bins, range=reach, weights=weights / weights.sum())
    for axis in range(3):  # no colour lies in the outermost cells, so going around the end does no harm
        counts = counts + 0.5 * (np.roll(counts, 1, axis) + np.roll(counts, -1, axis))
    return counts
