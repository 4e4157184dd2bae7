"""From the network's coarse logits to a mask at the clip's size."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.geometry import Box
from core.masks.bounding_box import bounding_box, Mask

_WORKING_SIDE = 854  # the filter is fitted on a picture no longer than this, whatever the clip's size
_RADIUS = 0.01  # of its window, in parts of the picture's longer side: a cell of the logits, which is how far an edge may have to move
_SPECK = 2  # cells of the logits: an island or a hole that is smaller is none
_FLATNESS = 1e-3  # variance of brightness (0 to 1) below which a window has no edge to follow


class Guide:
    """The picture that outlines follow. `gray` is its brightness, uint8 (H, W); what is fitted to
    it is found out once.
    """

    def __init__(self, gray: NDArray[np.uint8]) -> None:
        self.gray = gray
        height, width = gray.shape
        shrink = min(1.0, _WORKING_SIDE / max(width, height))
        self.size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        reach = 2 * max(1, round(_RADIUS * max(self.size))) + 1
        self._window = (reach, reach)

    @cached_property
    def moments(self) -> tuple[NDArray, NDArray, NDArray]:
        """At the working size (w, h) = `size`: brightness from 0 to 1, its mean around every pixel,
        and its variance there, never 0.
        """
        small: NDArray = cv2.resize(self.gray, self.size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        mean = self.mean_of(small)
        return small, mean, self.mean_of(small * small) - mean * mean + _FLATNESS

    def mean_of(self, values: NDArray) -> NDArray:
        """The mean of the window around every pixel."""
        return cv2.boxFilter(values, -1, self._window)


def full_size(logits: Tensor, guide: Guide, snap_to_edges: bool) -> Mask:
    """Turn the network's logits into a mask: interpolated first, decided then, so that edges are
    smooth.

    Args: logits: (h, w) of the whole frame. guide: The frame's picture. snap_to_edges: Whether the
        outline snaps to edges of the picture nearby (guided filter, He et al. 2013, fitted at
        reduced size as in "Fast Guided Filter", 2015). That makes up for logits much coarser than
        the clip.

    Returns:
        bool (H, W).
    """
    height, width = guide.gray.shape
    coarse = logits.detach().float().cpu().numpy()
    if not snap_to_edges or not (coarse > 0).any():
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) > 0
    inside = 1 / (1 + np.exp(-np.clip(cv2.resize(coarse, guide.size, interpolation=cv2.INTER_LINEAR), -20, 20)))
    small, mean, variance = guide.moments
    target = guide.mean_of(inside)
    slope = (guide.mean_of(small * inside) - mean * target) / variance
    slope, offset = guide.mean_of(slope), guide.mean_of(target - slope * mean)
    mask = np.zeros((height, width), np.bool_)
    box = bounding_box(offset + np.maximum(slope, 0) > 0.5)  # elsewhere nothing comes above a half, however bright it is
    if box is not None:
        box = _enlarged(box, (height / slope.shape[0], width / slope.shape[1]), mask.shape)
        slope, offset = (box.crop(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)) for part in (slope, offset))
        found = slope * (box.crop(guide.gray).astype(np.float32) / 255) + offset > 0.5
        box.crop(mask)[:] = _without_specks(found, _SPECK * height * width / coarse.size)
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


def _enlarged(box: Box[int], scale: tuple[float, float], shape: tuple[int, ...]) -> Box[int]:
    """The pixels of a picture of `shape`, `scale` times as high and wide, that are interpolated
    from those in a box.
    """
    high, wide = scale
    enlarged = Box(int((box.x0 - 1) * wide), int((box.y0 - 1) * high), int((box.x1 + 1) * wide) + 1, int((box.y1 + 1) * high) + 1)
    return enlarged.clipped(shape)
