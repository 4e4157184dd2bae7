"""Whether what fills a hole is as sharp as what was there: its gradient energy."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from core.evaluation.arrays import Frame, FrameSequence, gray, Mask, MaskSequence


def gradient_energy(result: FrameSequence, truth: FrameSequence, masks: MaskSequence) -> float:
    """Compare how much detail two clips have in the same places.

    Args:
        result: (T, H, W, 3).
        truth: Same shape.
        masks: (T, H, W): pixels that count. Those at their rim don't, where a seam is no detail.

    Returns:
        The mean magnitude of the brightness gradient of `result`, as a share of the truth's. Below
        0.7 it looks blurred, above 1.3 noisy. NaN where nothing counts.
    """
    own, true = 0.0, 0.0
    for picture, real, mask in zip(result, truth, masks, strict=True):
        inside = cv2.erode(np.pad(mask.astype(np.uint8), 1), np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0
        own += float(_magnitude(picture, inside).sum(dtype=np.float64))
        true += float(_magnitude(real, inside).sum(dtype=np.float64))
    return own / true if true else math.nan


def _magnitude(picture: Frame, inside: Mask) -> NDArray[np.float32]:
    brightness = gray(picture).astype(np.float32)
    across = cv2.Sobel(brightness, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(brightness, cv2.CV_32F, 0, 1, ksize=3)
    return np.asarray(np.hypot(across, down)[inside], np.float32)
