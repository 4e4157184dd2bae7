"""Pieces of an answer that lie apart from the object and are most likely something else."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from core.segment.prompts import SURE

_GAP = 0.5  # a piece may lie as far from the object's main piece as this share of its own side
_ROUNDING = 2.0  # cells of the logits by which a gap may be wrong


def drop_far_pieces(logits: Tensor, clicks: Sequence[tuple[float, float]] = ()) -> Tensor:
    """Take away the pieces that are far from the main one for their size: from that of the first
    click, or else the largest. A piece that was clicked stays.

    An occluder cuts an object into pieces with a narrow gap between them. A second animal of the
    herd, or a part of the background that was once taken in, ends up alone and further away, and
    would be remembered and tracked as part of the object from then on.

    Args:
        logits: Of the whole frame, (1, 1, h, w).
        clicks: Where a person clicked the object, (x, y) in sides of the picture, 0 to 1.

    Returns:
        Logits of the same shape, with what is dropped at most -SURE.
    """
    inside = (logits[0, 0] > 0).cpu().numpy().astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    if count <= 2:
        return logits
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    height, width = labels.shape
    clicked = [int(labels[min(int(y * height), height - 1), min(int(x * width), width - 1)]) for x, y in clicks]
    held = [piece for piece in clicked if piece]
    main = held[0] if held else int(areas.argmax())
    away = cv2.distanceTransform((labels != main).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    others = [piece for piece in range(1, count) if piece not in (main, *held)]
    far = [piece for piece in others if away[labels == piece].min() > _ROUNDING + _GAP * areas[piece] ** 0.5]
    if not far:
        return logits
    dropped = torch.from_numpy(np.isin(labels, far)).to(logits.device)
    return torch.where(dropped, logits.clamp(max=-SURE), logits)
