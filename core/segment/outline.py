"""From the network's coarse logits to a mask at the clip's size."""

from __future__ import annotations

import cv2
from torch import Tensor

from core.masks.operators import Mask


def full_size(logits: Tensor, size: tuple[int, int]) -> Mask:
    """Logits (h, w) of the whole frame -> bool (H, W), `size` = (W, H): interpolated first, decided then, so that edges are smooth."""
    coarse = logits.detach().float().cpu().numpy()
    return cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR) > 0
