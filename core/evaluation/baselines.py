"""What needs no training: the trackers and the inpainting that the models have to beat, run on the
same clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.evaluation.arrays import BackwardFlow, Frame, FrameSequence, gray, looked_up, Mask, MaskSequence

_WORK_SIDE = 427
"""Following runs on pictures whose longer side is at most this: it takes a quarter of the time. The
first mask is found at full size."""
_ROUNDS_FIRST, _ROUNDS_NEXT = 5, 1
_BAND = 5
"""Pixels on either side of the warped outline that GrabCut may decide anew."""


def copied_first_mask(truth: MaskSequence) -> list[Mask]:
    """The true first mask on every frame, as if nothing moved."""
    return [truth[0]] * len(truth)


def grabcut_with_flow(
    frames: FrameSequence, box: tuple[float, float, float, float], on_frame: Callable[[int], None] = lambda index: None
) -> list[Mask]:
    """Track an object by GrabCut and dense optical flow (DIS).

    Args:
        frames: (T, H, W, 3).
        box: Around the object on frame 0: x0, y0, x1, y1.
        on_frame: Is called with each finished frame's index.

    Returns:
        Masks (H, W): GrabCut in the box, then warped from frame to frame and, in a band around the
        outline, decided by GrabCut again.
    """
    height, width = frames[0].shape[:2]
    scale = min(1.0, _WORK_SIDE / max(height, width))
    size = max(round(width * scale), 2), max(round(height * scale), 2)
    flow = BackwardFlow()
    found = [_in_box(np.asarray(frames[0]), box)]
    before = np.asarray(cv2.resize(found[0].astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
    last: NDArray[np.uint8] | None = None
    for index, frame in enumerate(frames):
        small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        brightness = gray(small)
        if last is not None:
            before = _refined(small, looked_up(before, flow.places(brightness, last)) > 0.5).astype(np.float32)
            found.append(np.asarray(cv2.resize(before, (width, height), interpolation=cv2.INTER_LINEAR)) > 0.5)
        last = brightness
        on_frame(index)
    return found


def inpainted(frames: FrameSequence, holes: MaskSequence, radius: float = 3) -> list[Frame]:
    """Fill the region of each frame from its rim by Telea's fast marching, frame by frame.

    Args:
        frames: (T, H, W, 3).
        holes: The regions, (T, H, W).
        radius: Of the neighbourhood, in pixels.

    Returns:
        The filled frames.
    """
    filled = (cv2.inpaint(frame, hole.astype(np.uint8), radius, cv2.INPAINT_TELEA) for frame, hole in zip(frames, holes, strict=True))
    return [np.asarray(frame, np.uint8) for frame in filled]


def _in_box(picture: Frame, box: Sequence[float]) -> Mask:
    height, width = picture.shape[:2]
    x0, y0 = max(int(box[0]), 0), max(int(box[1]), 0)
    x1, y1 = min(round(box[2]), width), min(round(box[3]), height)
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    labels[y0:y1, x0:x1] = cv2.GC_PR_FGD
    if labels.all():  # a box over the whole picture leaves nothing that is surely background
        return labels > 0
    return _grabcut(picture, labels, _ROUNDS_FIRST)


def _refined(picture: Frame, warped: Mask) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _BAND + 1,) * 2)
    warped_bytes = warped.astype(np.uint8)
    inner, outer = cv2.erode(warped_bytes, kernel) > 0, cv2.dilate(warped_bytes, kernel) > 0
    if not inner.any() or outer.all():
        return warped
    labels = np.where(inner, cv2.GC_FGD, np.where(warped, cv2.GC_PR_FGD, np.where(outer, cv2.GC_PR_BGD, cv2.GC_BGD))).astype(np.uint8)
    return _grabcut(picture, labels, _ROUNDS_NEXT)


def _grabcut(picture: Frame, labels: NDArray[np.uint8], rounds: int) -> Mask:
    cv2.setRNGSeed(0)  # GrabCut starts its colour clusters at random
    cv2.grabCut(picture, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), rounds, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
