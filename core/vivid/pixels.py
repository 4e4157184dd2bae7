"""Between the editor's pixels (uint8, channels last) and the model's (float in [-1, 1], channels
first).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_model(frames: NDArray[np.uint8]) -> Tensor:
    """uint8 (T, h, w, 3) -> float32 (1, 3, T, h, w) in [-1, 1]."""
    return (torch.from_numpy(np.ascontiguousarray(frames)).float() / 127.5 - 1).permute(3, 0, 1, 2)[None]


def mask_to_model(masks: NDArray[np.bool_]) -> Tensor:
    """bool (T, h, w) -> float32 (1, 1, T, h, w), 1 = edit."""
    return torch.from_numpy(np.ascontiguousarray(masks)).float()[None, None]


def to_frames(pixels: Tensor) -> NDArray[np.uint8]:
    """Floats (3, T, h, w), nominally in [-1, 1] -> uint8 (T, h, w, 3)."""
    levels = ((pixels.float() + 1) * 127.5).round().clamp(0, 255)
    return levels.to(torch.uint8).permute(1, 2, 3, 0).cpu().numpy()
