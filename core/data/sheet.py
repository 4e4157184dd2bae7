"""A contact sheet of what the models see; `scripts.contact_sheet` draws one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def tile(pixels: Tensor, mask: Tensor | None = None, every: int = 4) -> np.ndarray:
    """Lay clips out as rows of frames.

    Args:
        pixels: (B, 3, T, H, W) in [-1, 1].
        mask: Regions to tint, (B, 1, T, H, W), or None.
        every: Shows every so many frames.

    Returns:
        uint8 (B*H, n*W, 3).
    """
    pictures = (pixels.float().clamp(-1, 1) + 1) / 2
    if mask is not None:
        tint = torch.tensor([1.0, 0.2, 0.2], device=pictures.device).view(1, 3, 1, 1, 1)
        pictures = torch.lerp(pictures, tint.expand_as(pictures), 0.45 * mask.float())
    pictures = pictures[:, :, ::every]
    batch, _, count, height, width = pictures.shape
    rows = pictures.permute(0, 3, 2, 4, 1).reshape(batch * height, count * width, 3)
    return (rows * 255).round().byte().cpu().numpy()
