"""The light of a shot on an insert: its black and white on the keyframe, and how the light on what
it lies on changes from there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.carrying.motion import compared

Frame = NDArray[np.uint8]
Floats = NDArray[np.float32]

DARKEST, BRIGHTEST = 0.5, 99.5
"""Per cent of the frame's pixels that are darker than its black, and than its white."""
MOST_BLACK, LEAST_WHITE = 48.0, 96.0
"""8-bit levels beyond which a frame without black or white in it says nothing."""
MOST_TINT = 0.12
"""By how much a channel of the shot's white may differ from the others."""
UNLIKE = 30.0
"""8-bit levels by which a pixel differs that is something else by now."""
MOST_CHANGE = 2.0
"""How many times brighter or darker the light may become."""
LEAST = 60.0
"""Pixels that have to be found again to tell the light."""


def shot_range(frame: Frame) -> tuple[Floats, Floats]:
    """Black and white of a frame.

    Args:
        frame: uint8 (H, W, 3).

    Returns:
        8-bit levels of the darkest and of the brightest that it shows, (3,) each.
    """
    small = frame[:: max(1, frame.shape[0] // 270), :: max(1, frame.shape[1] // 480)].reshape(-1, 3).astype(np.float32)
    grey = small.mean(-1)
    black = min(float(np.percentile(grey, DARKEST)), MOST_BLACK)
    level = max(float(np.percentile(grey, BRIGHTEST)), LEAST_WHITE)
    bright = small[grey >= np.percentile(grey, 98)].mean(0)
    tint = np.clip(bright / max(float(bright.mean()), 1.0), 1 - MOST_TINT, 1 + MOST_TINT)
    return np.full(3, black, np.float32), np.asarray(np.clip(level * tint, 0, 255), np.float32)


def in_range(colours: Floats, black: Floats, white: Floats, share: float, stops: float = 0.0) -> Floats:
    """Bring colours to the range of a shot.

    Args:
        colours: (h, w, 3), in 8-bit levels.
        black: (3,), what black becomes.
        white: (3,), what white becomes.
        share: How far, 0 to 1.
        stops: How many times twice as bright they become besides.

    Returns:
        (h, w, 3).
    """
    there = black + colours * ((white - black) / 255)
    return np.asarray(((1 - share) * colours + share * there) * np.float32(2.0**stops), np.float32)


def changed_light(now: Frame, before: Frame, reach: float) -> Floats:
    """How the light on a part of the clip has changed.

    Args:
        now: uint8 (h, w, 3), the part of a frame.
        before: uint8 (h, w, 3), what the keyframe shows there.
        reach: Pixels over which light is even.

    Returns:
        (h, w), its share of the light on the keyframe; 1 where nothing tells it.
    """
    one, two = now.astype(np.float32), before.astype(np.float32)
    apart, light = compared(one, two, np.ones(now.shape[:2], np.float32), reach)
    like = np.exp(-((cv2.GaussianBlur(apart, (0, 0), 1.5) / UNLIKE) ** 2)).astype(np.float32)
    logs = np.log(np.clip(light, 1 / MOST_CHANGE, MOST_CHANGE))
    total = float(like.sum())
    usual = float((like * logs).sum()) / (total + LEAST)  # little that is alike tells little
    weight = cv2.GaussianBlur(like, (0, 0), reach)
    around = (cv2.GaussianBlur(like * (logs - usual), (0, 0), reach)) / (weight + 0.2)
    return np.exp(usual + around).astype(np.float32)
