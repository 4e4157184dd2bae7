"""How a mask moves, told from its bounding box, and the keyframe moved along with it.

The same arithmetic serves single boxes (numbers) and batches of clips (tensors), so that a model is
trained on exactly what it is given later. A side on the frame's border may have left the frame, so
it says nothing about size: the other sides then tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.geometry import Box

Interval = tuple[Any, Any]
"""First row or column of a box and the one after its last: two numbers, or two tensors of the same
shape.
"""
Margins = tuple[float, float, float, float]
"""What lies between a box's sides (x0, y0, x1, y1) and what shows in it, as shares of its size."""
NO_MARGINS: Margins = (0.0, 0.0, 0.0, 0.0)

SMOOTH_FRAMES = 3
"""Frames on either side over which the motion of a mask's box is taken as even: a tracked outline
wobbles more than objects do.
"""
STRETCH = 1.35
"""How many times more a warped picture may grow in one direction than in the other."""
TOLERANCE = 0.04
"""Share of its size by which what shows may be cropped by a mask that is smaller than its smoothed
box.
"""
LEEWAY = 1.3
"""How many times the scale of a side on the border may differ from that of what is seen of it."""


def box_motion(start: Box[float], end: Box[float], shape: tuple[int, int]) -> NDArray[np.float64]:
    """The motion that turns one box into another.

    Args:
        start: The first box. A side beyond the frame is known; one on its border is not.
        end: The second box.
        shape: (height, width) of the frame.

    Returns:
        3x3 matrix: where a pixel (x, y, 1) of the first box goes.
    """
    height, width = shape
    start_y, start_x, end_y, end_x = (start.y0, start.y1), (start.x0, start.x1), (end.y0, end.y1), (end.x0, end.x1)
    sides = [_scale(start_y, end_y, height), _scale(start_x, end_x, width)]
    known = [scale for scale, is_known in sides if is_known]
    fallback = known[0] if known else 1.0
    # Of a side that is known beyond the frame on one frame and not on the other, what lies inside
    # is seen on both.
    seen = [_length(end_y, height) / _length(start_y, height), _length(end_x, width) / _length(start_x, width)]
    # Objects that turn don't grow alike in both directions, so what is seen of a side on the border
    # keeps a say.
    scale_y, scale_x = (
        scale if is_known else min(max(fallback, own / LEEWAY), own * LEEWAY) if known else fallback
        for (scale, is_known), own in zip(sides, seen, strict=True)
    )
    shift_y = _shift(start_y, end_y, scale_y, height)
    shift_x = _shift(start_x, end_x, scale_x, width)
    # Pixel centres lie at halves, boxes at whole numbers.
    return np.array([[scale_x, 0, shift_x + (scale_x - 1) / 2], [0, scale_y, shift_y + (scale_y - 1) / 2], [0, 0, 1]], np.float64)


def limit_stretch(matrix: NDArray[np.float64], box: Box[float], stretch: float = STRETCH) -> NDArray[np.float64]:
    """Hold the larger of a motion's two scales down where they differ by more than `stretch`.

    Whatever the outline of a replaced object does, a ball stays a ball.

    Args:
        matrix: 3x3, what `box_motion` gave.
        box: The box that it leads to, whose middle stays where it is.
        stretch: How many times one scale may be the other; 1 keeps proportions.

    Returns:
        3x3.
    """
    scales = np.array([matrix[0, 0], matrix[1, 1]])
    held = np.minimum(scales, stretch * scales[::-1])
    middle = np.array([box.x0 + box.x1 - 1, box.y0 + box.y1 - 1]) / 2
    shift = middle - held * (middle - matrix[:2, 2]) / scales
    return np.array([[held[0], 0, shift[0]], [0, held[1], shift[1]], [0, 0, 1]], np.float64)


def smooth_boxes(boxes: Sequence[Box[float] | None], shape: tuple[int, int], margins: Margins = NO_MARGINS) -> list[Box[float] | None]:
    """Boxes without the wobble of a tracked outline: each side is put on a line through its
    neighbours.

    A side on the frame's border stays there, and counts for no other frame. Where a mask is
    suddenly smaller, as that of a ball that bounces, a side gives way before it crops what shows
    within `margins`.

    Args:
        boxes: Boxes of consecutive frames, None where there is no mask.
        shape: (height, width) of the frame.
        margins: Room between each side and what shows in the box, as a share of the box's size.

    Returns:
        As many boxes, None in the same places.
    """
    limits = (shape[1], shape[0], shape[1], shape[0])
    result: list[Box[float] | None] = []
    for index, box in enumerate(boxes):
        if box is None:
            result.append(None)
            continue
        sides: list[float] = list(box)
        for side, limit in enumerate(limits):
            near = [
                (other - index, neighbour[side])
                for other in range(max(index - SMOOTH_FRAMES, 0), min(index + SMOOTH_FRAMES + 1, len(boxes)))
                if (neighbour := boxes[other]) is not None and neighbour[side] not in (0, limit)
            ]
            if box[side] not in (0, limit) and len(near) > 2:
                times, positions = np.array(near, float).T
                position = float(np.polyval(np.polyfit(times, positions, 1), 0))
                most = (margins[side] + TOLERANCE) * (box.height if side % 2 else box.width)
                sides[side] = max(position, box[side] - most) if side < 2 else min(position, box[side] + most)
        # A line may cross the opposite side's where a box all but vanishes.
        smooth = Box(*sides)
        result.append(smooth if smooth.height >= 1 and smooth.width >= 1 else box)
    return result


def warp_clips(pixels: Tensor, masks: Tensor, key_mask: Tensor) -> Tensor:
    """Move and scale frame 0 of clips into the region of every frame, along the motion of the
    masks' bounding boxes.

    Nothing depends on values on the host, so it runs inside a captured graph.

    Args:
        pixels: (B, C, T, H, W).
        masks: (B, 1, T, H, W), 1 = edit.
        key_mask: (B, 1, 1, H, W), the region on frame 0.

    Returns:
        (B, C, T, H, W). Frames stay as they are where their mask or the keyframe's is empty.
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
    # Where each pixel of the frames comes from, in the keyframe's -1 .. 1. Pixel centres lie at
    # halves, boxes at whole numbers.
    rows = torch.arange(height, device=pixels.device) + 0.5
    columns = torch.arange(width, device=pixels.device) + 0.5
    y = (rows - _shift(start_y, end_y, scale_y, height)[..., None]) / scale_y[..., None] * (2 / height) - 1
    x = (columns - _shift(start_x, end_x, scale_x, width)[..., None]) / scale_x[..., None] * (2 / width) - 1
    batch, frames = regions.shape[:2]
    grid = torch.stack(torch.broadcast_tensors(x[:, :, None, :], y[:, :, :, None]), -1).view(batch, frames * height, width, 2)
    moved = F.grid_sample(pixels[:, :, 0], grid.to(pixels.dtype), mode="bilinear", padding_mode="border", align_corners=False)
    shows = regions & start.flatten(1).any(1)[:, None, None, None]
    return torch.where(shows[:, None], moved.view_as(pixels), pixels)


def warp_frames(
    keyframe: NDArray[np.uint8], key_mask: NDArray[np.bool_], frames: NDArray[np.uint8], masks: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Move and scale the keyframe's region into the mask of every frame, as `warp_clips` does it.

    Args:
        keyframe: (h, w, 3).
        key_mask: (h, w), True = edit.
        frames: (T, h, w, 3).
        masks: (T, h, w).

    Returns:
        New frames (T, h, w, 3).
    """
    video = torch.from_numpy(np.concatenate([keyframe[None], frames])).float().permute(3, 0, 1, 2)[None]
    regions = torch.from_numpy(np.concatenate([key_mask[None], masks]))[None, None].float()
    moved = warp_clips(video, regions, regions[:, :, :1])[0, :, 1:]
    return moved.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()


def _interval(line: Tensor) -> Interval:
    """From the first to the last True of (..., N); all of N where there is none."""
    numbers = line.float()
    return numbers.argmax(-1).float(), line.shape[-1] - numbers.flip(-1).argmax(-1).float()


def _length(interval: Interval, limit: int) -> float:
    """Of the part of an interval that lies inside the frame, at least a pixel."""
    return max(min(interval[1], limit) - max(interval[0], 0), 1.0)


def _known(start: Interval, end: Interval, limit: int) -> tuple[Any, Any]:
    """Which of the two sides are known on both frames: not on the frame's border."""
    return (start[0] != 0) & (end[0] != 0), (start[1] != limit) & (end[1] != limit)


def _scale(start: Interval, end: Interval, limit: int) -> tuple[Any, Any]:
    """How much an interval grew, and whether that is known: no side lies on the border."""
    low, high = _known(start, end, limit)
    return (end[1] - end[0]) / (start[1] - start[0]), low & high


def _shift(start: Interval, end: Interval, scale: Any, limit: int) -> Any:
    """Where the frame's origin goes: by the side known on both frames, else by the centres."""
    low, high = _known(start, end, limit)
    centres = (end[0] + end[1]) / 2 - scale * (start[0] + start[1]) / 2
    by_low, by_high = end[0] - scale * start[0], end[1] - scale * start[1]
    return _choose(low == high, centres, _choose(low, by_low, by_high))


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, `no` elsewhere."""
    if isinstance(condition, Tensor):
        return torch.where(condition, yes, no)
    return yes if condition else no
