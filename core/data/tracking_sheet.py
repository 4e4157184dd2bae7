"""A contact sheet of what the small SAM 2 learns from; `scripts.tracking_sheet` draws one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_TINTS = ((1.0, 0.15, 0.15), (0.15, 1.0, 0.2), (0.2, 0.4, 1.0), (1.0, 0.9, 0.1))


def tinted(pixels: Tensor, masks: Tensor) -> np.ndarray:
    """Clips (B, T, 3, S, S) in [0, 1] with masks (B, T, O, S, S) tinted, a row a clip: uint8 (B *
    S, T * S, 3)."""
    pictures = pixels.float().cpu()
    for thing, tint in enumerate(_TINTS[: masks.shape[2]]):
        colour = torch.tensor(tint).view(1, 1, 3, 1, 1)
        pictures = torch.lerp(pictures, colour.expand_as(pictures), 0.45 * masks[:, :, thing, None].float().cpu())
    batch, frames, _, height, width = pictures.shape
    rows = pictures.permute(0, 3, 1, 4, 2).reshape(batch * height, frames * width, 3)
    return np.asarray((rows.clamp(0, 1) * 255).round().byte())
