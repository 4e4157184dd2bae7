"""The keyframe carried along the mask's own motion: a first guess of the edited clip, and what the small model reads in the hole.

One implementation for batches of tensors, so that a model is trained on exactly what it is given later.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Interval = tuple[Tensor, Tensor]
"""First row or column of a box and the one after its last."""


def carried_along(pixels: Tensor, masks: Tensor, key_mask: Tensor) -> Tensor:
    """Clips (B, C, T, H, W) with frame 0 moved and scaled into the region of every frame.

    masks (B, 1, T, H, W) and key_mask (B, 1, 1, H, W), the region on frame 0: 1 = edit. The motion is that of the masks' bounding boxes. A
    side on the border may have left the picture, so it says nothing about size: the other sides then tell. Frames stay as they are where
    their mask or the keyframe's is empty. Nothing depends on values on the host, so it runs inside a captured graph.
    """
    height, width = pixels.shape[-2:]
    regions, start = masks[:, 0] > 0.5, key_mask[:, 0] > 0.5
    start_y, start_x = _interval(start.any(-1)), _interval(start.any(-2))
    end_y, end_x = _interval(regions.any(-1)), _interval(regions.any(-2))
    scale_y, known_y = _scale(start_y, end_y, height)
    scale_x, known_x = _scale(start_x, end_x, width)
    one = torch.ones_like(scale_y)
    fallback = torch.where(known_y, scale_y, torch.where(known_x, scale_x, one))
    scale_y, scale_x = torch.where(known_y, scale_y, fallback), torch.where(known_x, scale_x, fallback)
    # Where each pixel of the frames comes from, in the keyframe's -1 .. 1. Pixel centres lie at halves, boxes at whole numbers.
    rows = torch.arange(height, device=pixels.device) + 0.5
    columns = torch.arange(width, device=pixels.device) + 0.5
    y = (rows - _shift(start_y, end_y, scale_y, height)[..., None]) / scale_y[..., None] * (2 / height) - 1
    x = (columns - _shift(start_x, end_x, scale_x, width)[..., None]) / scale_x[..., None] * (2 / width) - 1
    batch, frames = regions.shape[:2]
    grid = torch.stack(torch.broadcast_tensors(x[:, :, None, :], y[:, :, :, None]), -1).view(batch, frames * height, width, 2)
    moved = F.grid_sample(pixels[:, :, 0], grid.to(pixels.dtype), mode="bilinear", padding_mode="border", align_corners=False)
    shows = regions & start.flatten(1).any(1)[:, None, None, None]
    return torch.where(shows[:, None], moved.view_as(pixels), pixels)


def warp_along(
    keyframe: NDArray[np.uint8], key_mask: NDArray[np.bool_], frames: NDArray[np.uint8], masks: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """`frames` (T, h, w, 3) with the keyframe's region moved and scaled into each frame's mask (T, h, w), as `carried_along` does it."""
    video = torch.from_numpy(np.concatenate([keyframe[None], frames])).float().permute(3, 0, 1, 2)[None]
    regions = torch.from_numpy(np.concatenate([key_mask[None], masks]))[None, None].float()
    moved = carried_along(video, regions, regions[:, :, :1])[0, :, 1:]
    return moved.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()


def _interval(line: Tensor) -> Interval:
    """The stretch from the first to the last True of (..., N)."""
    marks = line.float()
    return marks.argmax(-1).float(), line.shape[-1] - marks.flip(-1).argmax(-1).float()


def _free(start: Interval, end: Interval, limit: int) -> tuple[Tensor, Tensor]:
    """Which of the two sides are seen in both frames: not on the picture's border."""
    return torch.minimum(start[0], end[0]) > 0, torch.maximum(start[1], end[1]) < limit


def _scale(start: Interval, end: Interval, limit: int) -> tuple[Tensor, Tensor]:
    """How much the stretch grew, and whether that is known: no side left the picture."""
    low, high = _free(start, end, limit)
    return (end[1] - end[0]) / (start[1] - start[0]).clamp(min=1), low & high


def _shift(start: Interval, end: Interval, scale: Tensor, limit: int) -> Tensor:
    """Where the picture's origin goes: by the side that is seen in both frames, else by the centres."""
    low, high = _free(start, end, limit)
    centres = (end[0] + end[1]) / 2 - scale * (start[0] + start[1]) / 2
    by_low, by_high = end[0] - scale * start[0], end[1] - scale * start[1]
    return torch.where(low == high, centres, torch.where(low, by_low, by_high))
