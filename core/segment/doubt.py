"""Where the network could not tell whether a pixel belongs to the object."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

UNSURE = 0.2
"""Of how sure the network is of what it is surest of: logits nearer to 0 say neither yes nor no.
Networks differ in scale, and so do objects.
"""
SUREST = 75
"""Per cent of the object's logits that are no surer than that."""
WIDE = 1.6
"""Cells of the logits that a doubtful part is wide at least: every outline has a thinner rim."""
LEAST = 0.02
"""Of the object's area: a smaller part is not worth a word."""


def doubtful_part(logits: Tensor, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The parts of a frame about which the network is unsure, without the rim that every outline
    has.

    Args:
        logits: (h, w) of the whole frame.
        size: (W, H) of the frame.

    Returns:
        bool (H, W); nothing where the network sees no object.
    """
    coarse: NDArray[np.float32] = logits.detach().float().cpu().numpy()
    inside = coarse[coarse > 0]
    if not inside.size:
        return np.zeros((size[1], size[0]), np.bool_)
    width = round(WIDE * max(size) / max(coarse.shape)) | 1
    unsure = np.abs(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)) < UNSURE * np.percentile(inside, SUREST)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    wide = cv2.morphologyEx(unsure.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(wide, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= LEAST * inside.size * size[0] * size[1] / coarse.size
    large[0] = False
    return large[labels]
