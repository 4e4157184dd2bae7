"""A person's clicks on one frame, for a small network that was trained on a single click or a box
at a time.

The box, or else the first click on the object, gives the object; the frame is then shown again with
the memory of that answer, which fills the object out. A further click changes only what it
contradicts: the part that it points at is taken in, or cut out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.segment.frames import Features
from core.segment.prompts import FramePrompts

SURE = 10.0
"""The logit with which SAM 2 writes down what was given rather than found."""

_BOX_MARGIN = 0.05  # of the box's sides: nobody draws it to the pixel
_DOT = 0.025  # radius, in sides of the picture, of what a click is sure of: no less than a filter of the outline leaves standing
_MOST_ADDED, _MOST_CUT = 0.5, 0.25  # of the object, by one click: a larger answer is a leak or the whole object again


@dataclass(frozen=True)
class Click:
    """A click at (x, y) in sides of the picture, 0 to 1."""

    x: float
    y: float
    positive: bool

    def agrees(self, logits: Tensor) -> bool:
        """Whether logits (1, 1, h, w) say at that place what the click says."""
        height, width = logits.shape[-2:]
        value = logits[0, 0, min(int(self.y * height), height - 1), min(int(self.x * width), width - 1)]
        return bool(value > 0) == self.positive


def clicks_of(prompts: FramePrompts, size: tuple[int, int]) -> list[Click]:
    """The clicks of a frame in order, without the box's corners. `size` is the source's (W, H)."""
    points = zip(prompts.points, prompts.labels, strict=True)
    return [Click(x / size[0], y / size[1], label == 1) for (x, y), label in points if label in (0, 1)]


def keep_inside(logits: Tensor, corners: tuple[tuple[float, float], tuple[float, float]], size: tuple[int, int]) -> Tensor:
    """Take away what lies outside a box and a small margin around it.

    Args:
        logits: (1, 1, h, w) of the whole frame.
        corners: Two opposite corners (x, y) in source pixels.
        size: The source's (W, H).

    Returns:
        Logits of the same shape.
    """
    (x0, y0), (x1, y1) = corners
    margin_x, margin_y = _BOX_MARGIN * (x1 - x0), _BOX_MARGIN * (y1 - y0)
    ys, xs = _centres(logits)
    across = (xs >= (x0 - margin_x) / size[0]) & (xs <= (x1 + margin_x) / size[0])
    down = (ys >= (y0 - margin_y) / size[1]) & (ys <= (y1 + margin_y) / size[1])
    return torch.where(across & down, logits, logits.clamp(max=-SURE))


def correct(network: SAM2Base, features: Features, logits: Tensor, clicks: list[Click]) -> Tensor:
    """Apply the clicks that contradict an answer, one after the other.

    Args:
        network: The segmenter's network.
        features: What the image encoder says about the frame.
        logits: The answer so far, (1, 1, h, w).
        clicks: All clicks on the frame.

    Returns:
        The corrected logits, (1, 1, h, w).
    """
    for click in clicks:
        if not click.agrees(logits):
            ys, xs = _centres(logits)
            squared = (xs - click.x) ** 2 + (ys - click.y) ** 2
            part = _part(network, features, logits, click, clicks)
            # No less sure than what lies around it, or interpolation would shrink it to nothing.
            part = torch.where(squared <= squared.min().clamp(min=_DOT**2), logits.abs().max().clamp(min=SURE), part)
            logits = torch.maximum(logits, part) if click.positive else torch.minimum(logits, -part)
    return logits


def _part(network: SAM2Base, features: Features, logits: Tensor, click: Click, clicks: list[Click]) -> Tensor:
    """Logits (1, 1, h, w) of what a click points at: the likeliest of the network's three answers
    that no other click speaks against.

    All negative when no answer will do.
    """
    coordinates = torch.tensor([[[click.x, click.y]]], device=logits.device) * network.image_size
    point = {"point_coords": coordinates, "point_labels": torch.ones(1, 1, dtype=torch.int32, device=logits.device)}
    maps = [level.permute(1, 2, 0).unflatten(2, size) for level, size in zip(features.levels, features.sizes, strict=True)]
    coarse = maps[-1] + network.no_mem_embed.permute(1, 2, 0)[..., None]
    answers, _, scores, *_ = network._forward_sam_heads(coarse, point, high_res_features=maps[:-1], multimask_output=True)
    opposed = [other for other in clicks if other.positive != click.positive]
    for index in scores[0].argsort(descending=True).tolist():
        part = answers[:, index : index + 1]
        changed = (part > 0) & ((logits > 0) != click.positive)
        most = _MOST_ADDED if click.positive else _MOST_CUT
        if changed.sum() <= most * (logits > 0).sum() and all(Click(o.x, o.y, False).agrees(part) for o in opposed):
            return part
    return torch.full_like(logits, -SURE)


def _centres(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Centres of the cells of logits (1, 1, h, w) in sides of the picture: y (h, 1) and x
    (1, w).
    """
    height, width = logits.shape[-2:]
    ys = (torch.arange(height, device=logits.device)[:, None] + 0.5) / height
    xs = (torch.arange(width, device=logits.device)[None, :] + 0.5) / width
    return ys, xs
