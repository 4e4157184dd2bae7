"""How close pictures are to the true ones, and how much they flicker: PSNR, SSIM and flicker,
inside a mask or over all."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from core.evaluation.arrays import BackwardFlow, Frame, FrameSequence, gray, looked_up, Mask, MaskSequence

IDENTICAL = 100.0
"""What equal pictures are given as PSNR, in dB: the true value is infinite."""
_SSIM_SIGMA, _SSIM_SUPPORT = 1.5, 5
_SSIM_C1, _SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
OCCLUDED = 1.5
"""Pixels by which the flow forth and back may miss its start before a point counts as hidden in the
last frame."""


def psnr_of_error(mean_square: float, peak: float = 255.0) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error; at most IDENTICAL."""
    return min(IDENTICAL, 10 * math.log10(peak * peak / mean_square)) if mean_square > 0 else IDENTICAL


def psnr(result: FrameSequence, truth: FrameSequence, masks: MaskSequence | None = None) -> float:
    """Compute PSNR over a whole clip.

    Args:
        result: (T, H, W, 3).
        truth: Same shape.
        masks: (T, H, W): pixels that count; all without them.

    Returns:
        dB, at most IDENTICAL; NaN when the masks are empty. It is of one error over the clip, not a
        mean of each frame's decibels: a frame without a region has no say.
    """
    total, count = 0.0, 0
    for index, (own, true) in enumerate(zip(result, truth, strict=True)):
        squared = (own.astype(np.float32) - true.astype(np.float32)) ** 2
        chosen = squared if masks is None else squared[masks[index]]
        total, count = total + float(chosen.sum(dtype=np.float64)), count + chosen.size
    return psnr_of_error(total / count) if count else math.nan


def ssim_map(result: Frame, truth: Frame) -> NDArray[np.float32]:
    """Structural similarity at each pixel of two pictures (H, W, 3), the mean of the channels, in
    [-1, 1] (Wang et al., 2004: Gaussian window of 1.5 pixels, 11x11)."""
    x, y = result.astype(np.float32), truth.astype(np.float32)

    def blur(values: NDArray[np.float32]) -> NDArray[np.float32]:
        side = 2 * _SSIM_SUPPORT + 1
        return np.asarray(cv2.GaussianBlur(values, (side, side), _SSIM_SIGMA, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y, both = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
    similar = (2 * mean_x * mean_y + _SSIM_C1) * (2 * both + _SSIM_C2)
    return (similar / ((mean_x**2 + mean_y**2 + _SSIM_C1) * (var_x + var_y + _SSIM_C2))).mean(-1)


def ssim(result: FrameSequence, truth: FrameSequence, masks: MaskSequence | None = None) -> float:
    """Compute the mean of `ssim_map` over a whole clip.

    Args:
        result: (T, H, W, 3).
        truth: Same shape.
        masks: (T, H, W): pixels that count; all without them.

    Returns:
        At most 1; NaN when the masks are empty.
    """
    total, count = 0.0, 0
    for index, (own, true) in enumerate(zip(result, truth, strict=True)):
        if masks is not None and not masks[index].any():
            continue
        similar = ssim_map(own, true)
        chosen = similar if masks is None else similar[masks[index]]
        total, count = total + float(chosen.sum(dtype=np.float64)), count + chosen.size
    return total / count if count else math.nan


class Motion:
    """Where each pixel of a frame came from: dense flow (DIS) of a clip, from each frame to the one
    before it."""

    def __init__(self, frames: FrameSequence) -> None:
        self._gray = [gray(frame) for frame in frames]
        self._flow = BackwardFlow()

    def __len__(self) -> int:
        return len(self._gray)

    def back(self, frame: int) -> tuple[NDArray[np.float32], Mask]:
        """For each pixel of `frame` (1 or later) its place (x, y) in the frame before, (H, W, 2),
        and whether it is seen there (H, W)."""
        now, before = self._gray[frame], self._gray[frame - 1]
        places, forward = self._flow.places(now, before), self._flow.motion(before, now)
        height, width = now.shape
        start = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
        missed = places + looked_up(forward, places) - start
        x, y = places[..., 0], places[..., 1]
        seen = (np.hypot(missed[..., 0], missed[..., 1]) < OCCLUDED) & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        return places, seen


def flicker(result: FrameSequence, motion: Motion, masks: MaskSequence | None = None) -> float:
    """Compare each frame with the one before it, warped along the flow.

    Args:
        result: (T, H, W, 3).
        motion: Best that of the true frames, so that all results of a clip are measured along the
            same flow.
        masks: (T, H, W): pixels that count, as far as the flow finds them in the frame before.

    Returns:
        Mean absolute difference in 8-bit levels; NaN without pixels.
    """
    total, count = 0.0, 0
    for index in range(1, len(motion)):
        wanted = None if masks is None else masks[index]
        if wanted is not None and not wanted.any():
            continue
        places, seen = motion.back(index)
        chosen = seen if wanted is None else seen & wanted
        difference = np.abs(result[index].astype(np.float32) - looked_up(result[index - 1], places))[chosen]
        total, count = total + float(difference.sum(dtype=np.float64)), count + difference.size
    return total / count if count else math.nan
