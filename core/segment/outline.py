"""From the network's coarse logits to a mask at the clip's size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.masks.spans import Mask

_WORKING_SIDE = 854  # the filter is fitted on a picture no longer than this, whatever the clip's size
_RADIUS = 0.01  # of its window, in parts of the picture's longer side: a cell of the logits, which is how far an edge may have to move
_FLATNESS = 1e-3  # variance of brightness (0 to 1) below which a window has no edge to follow


def full_size(logits: Tensor, gray: NDArray[np.uint8], follow_edges: bool) -> Mask:
    """Logits (h, w) of the whole frame -> bool (H, W): interpolated first, decided then, so that edges are smooth.

    `gray` is the frame's brightness, uint8 (H, W). With `follow_edges` the outline settles on edges of the picture nearby (guided filter,
    He et al. 2013, fitted at reduced size as in "Fast Guided Filter", 2015): that makes up for logits much coarser than the clip.
    """
    height, width = gray.shape
    coarse = logits.detach().float().cpu().numpy()
    if not follow_edges or not (coarse > 0).any():
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) > 0
    shrink = min(1.0, _WORKING_SIDE / max(width, height))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    guide: NDArray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    inside = 1 / (1 + np.exp(-np.clip(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), -20, 20)))
    reach = 2 * max(1, round(_RADIUS * max(size))) + 1

    def mean_of(values: NDArray) -> NDArray:
        return cv2.boxFilter(values, -1, (reach, reach))

    mean, target = mean_of(guide), mean_of(inside)
    slope = (mean_of(guide * inside) - mean * target) / (mean_of(guide * guide) - mean * mean + _FLATNESS)
    offset = target - slope * mean
    slope, offset = (cv2.resize(mean_of(part), (width, height), interpolation=cv2.INTER_LINEAR) for part in (slope, offset))
    return slope * (gray.astype(np.float32) / 255) + offset > 0.5
