"""From the network's coarse logits to a mask at the clip's size."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.geometry import Box
from core.masks.bounding_box import bounding_box, Mask
from core.segment.prompts import SURE

_PIXELS = 427 * 240  # the filter is fitted on a picture with no more of them
_RADII = (0.0094, 0.0047)  # of its windows, in sides of that picture: an edge may have to move by a cell of the logits
_SPECK = 2  # cells of the logits: an island or a hole that is smaller is none
_PASSES = 3  # for each radius
_SHARPNESS = 3.0  # how much surer of itself an answer becomes before it is filtered again
_FLATNESS = 1e-4  # variance of a colour (0 to 1) below which a window has no edge to follow
_GIVEN = 0.9 * SURE  # logits from here on are what a person said, or what is surely outside: no colour overrules them
_MARGIN = 3  # cells of the logits around the object within which its outline is looked for

Plane = NDArray[np.float32]
"""One number for each pixel of a picture, (h, w)."""


class Guide:
    """The picture, uint8 RGB (H, W, 3), that outlines follow."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        self.picture = picture
        height, width = picture.shape[:2]
        shrink = min(1.0, (_PIXELS / (width * height)) ** 0.5)
        self.size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        self.radii = tuple(max(1, round(radius * max(self.size))) for radius in _RADII)

    @cached_property
    def colours(self) -> tuple[Plane, ...]:
        """Red, green and blue from 0 to 1 at the working size (w, h) = `size`."""
        small = cv2.resize(self.picture, self.size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return tuple(np.asarray(colour, np.float32) for colour in cv2.split(small))


class _ColourFilter:
    """The guided filter (He et al. 2013) with a guide in colour: in the window around every pixel,
    how far inside the object a pixel is becomes a linear function of its colour.
    """

    def __init__(self, colours: tuple[Plane, ...], radius: int) -> None:
        self._window = (2 * radius + 1, 2 * radius + 1)
        self._colours = colours
        self._means = [self._mean(colour) for colour in colours]
        (r, g, b), (mean_r, mean_g, mean_b) = colours, self._means
        rr, gg, bb = (self._mean(c * c) - mean * mean + _FLATNESS for c, mean in zip(colours, self._means, strict=True))
        rg, rb, gb = (self._mean(r * g) - mean_r * mean_g, self._mean(r * b) - mean_r * mean_b, self._mean(g * b) - mean_g * mean_b)
        # of the colours' covariance, the inverse: the filter asks for it once a pass
        first, second, third = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
        scale = 1 / (rr * first + rg * second + rb * third)
        across = (rg * rb - gb * rr) * scale
        first, second, third = first * scale, second * scale, third * scale
        self._inverse = (
            (first, second, third),
            (second, (rr * bb - rb * rb) * scale, across),
            (third, across, (rr * gg - rg * rg) * scale),
        )

    def fit(self, inside: Plane) -> tuple[list[Plane], Plane]:
        """The slopes for the three colours, and the offset."""
        target = self._mean(inside)
        shared = [self._mean(c * inside) - mean * target for c, mean in zip(self._colours, self._means, strict=True)]
        slopes = [row[0] * shared[0] + row[1] * shared[1] + row[2] * shared[2] for row in self._inverse]
        offset = target - sum(slope * mean for slope, mean in zip(slopes, self._means, strict=True))
        return [self._mean(slope) for slope in slopes], self._mean(offset)

    def apply(self, slopes: list[Plane], offset: Plane) -> Plane:
        """What a fit says of the pixels it was made from."""
        return offset + slopes[0] * self._colours[0] + slopes[1] * self._colours[1] + slopes[2] * self._colours[2]

    def _mean(self, values: Plane) -> Plane:
        return np.asarray(cv2.boxFilter(values, -1, self._window), np.float32)


def full_size(logits: Tensor, guide: Guide, snap_to_edges: bool) -> Mask:
    """Turn the network's logits into a mask: interpolated first, decided then, so that edges are
    smooth.

    Args:
        logits: (h, w) of the whole frame.
        guide: The frame's picture.
        snap_to_edges: Whether the outline snaps to edges of the picture nearby: that makes up for
            logits much coarser than the clip. A guided filter brings it closer pass by pass; each
            begins with a surer answer. It is fitted at reduced size ("Fast Guided Filter", He and
            Sun 2015) and applied to the colours at full size.

    Returns:
        bool (H, W).
    """
    height, width = guide.picture.shape[:2]
    coarse: NDArray[np.float32] = logits.detach().float().cpu().numpy()
    found = bounding_box(coarse > 0) if snap_to_edges else None
    if found is None:
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) > 0
    size = guide.size
    to_small, to_full = (size[0] / coarse.shape[1], size[1] / coarse.shape[0]), (width / size[0], height / size[1])
    box = _scaled(found.grow(_MARGIN, coarse.shape), to_small, size)
    inside = np.asarray(1 / (1 + np.exp(-np.clip(_enlarged(coarse, box, to_small), -20, 20))), np.float32)
    slopes, offset = _fit(guide, box, inside)
    full = _scaled(box, to_full, (width, height))
    total = _enlarged(offset, full, to_full, box)
    for slope, colour in zip(slopes, cv2.split(full.crop(guide.picture)), strict=True):
        total += _enlarged(slope * np.float32(1 / 255), full, to_full, box) * colour
    sure = _enlarged(coarse, full, (width / coarse.shape[1], height / coarse.shape[0]))
    mask = np.zeros((height, width), np.bool_)
    decided = np.where(np.abs(sure) < _GIVEN, total > 0.5, sure > 0)
    full.crop(mask)[:] = _without_specks(decided, _SPECK * height * width / coarse.size)
    return mask


def _without_specks(mask: Mask, least: float) -> Mask:
    """A mask (h, w) without islands and holes of less than `least` pixels: the network sees nothing
    so small, they are texture of the picture. An island stays that is all there is.
    """
    mask = np.pad(mask, 1)  # what lies around it is one piece, and no hole
    for value in (True, False):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == value).astype(np.uint8), connectivity=8 if value else 4)
        small = stats[:, cv2.CC_STAT_AREA] < least
        small[0] = False
        if small.any() and (not value or not small[1:].all()):
            mask = np.where(small[labels], not value, mask)
    return mask[1:-1, 1:-1]


def _fit(guide: Guide, box: Box[int], inside: Plane) -> tuple[list[Plane], Plane]:
    """Bring an outline to the edges of the colours.

    Args:
        guide: The frame's picture.
        box: The part of it, at the working size, that is looked at.
        inside: How far each of its pixels is inside the object, 0 to 1.

    Returns:
        Slopes for the three colours and an offset, for each of its pixels.
    """
    colours = tuple(np.ascontiguousarray(box.crop(colour)) for colour in guide.colours)
    fitted = None
    for radius in guide.radii:
        colour_filter = _ColourFilter(colours, radius)
        for _ in range(_PASSES):
            if fitted is not None:
                inside = np.clip((colour_filter.apply(*fitted) - 0.5) * _SHARPNESS + 0.5, 0, 1)
            fitted = colour_filter.fit(inside)
    assert fitted is not None
    return fitted


def _scaled(box: Box[int], scale: tuple[float, float], size: tuple[int, int]) -> Box[int]:
    """A box in a picture of `size` (W, H), which is `scale` times (x, y) as large as its own."""
    across, down = scale
    x0, y0 = int(box.x0 * across), int(box.y0 * down)
    return Box(x0, y0, min(int(np.ceil(box.x1 * across)), size[0]), min(int(np.ceil(box.y1 * down)), size[1]))


def _enlarged(values: Plane, box: Box[int], scale: tuple[float, float], part: Box[int] | None = None) -> Plane:
    """Interpolate the pixels in a box of an enlarged picture.

    Args:
        values: The picture (h, w), or a part of it.
        box: The pixels that are wanted, in the enlarged picture.
        scale: How much larger that one is, in x and y.
        part: Where in the picture `values` lies.

    Returns:
        One value for each pixel of the box.
    """
    x0, y0 = (part.x0, part.y0) if part else (0, 0)
    across, down = 1 / scale[0], 1 / scale[1]
    matrix = np.array([[across, 0, (box.x0 + 0.5) * across - 0.5 - x0], [0, down, (box.y0 + 0.5) * down - 0.5 - y0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(values, matrix, (box.width, box.height), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)
