"""A person's clicks on one frame, for a small network that was trained on a single click or a box
at a time.

The box, or else the first click on the object, gives the object; the frame is then shown again with
the memory of that answer, which fills the object out. A further click changes only what it
contradicts: the part that it points at, in one piece, is taken in or cut out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.masks import depth_inside
from core.segment.frames import Features
from core.segment.precision import half_on_gpu
from core.segment.prompts import FramePrompts, SURE

_BOX_MARGIN = 0.05  # of the box's sides: nobody draws it to the pixel
_OUTSIDE = 1.0  # a logit next to what a click changes: no more sure of the edge there than the network is elsewhere
_DOT = 0.025  # radius, in sides of the picture, of what a click is sure of: no less than a filter of the outline leaves standing
_REACH = 4.0  # times the click's distance from the edge of what it may change
_MOST_ADDED = 0.5  # of the object, by one click: a larger answer is a leak
_MOST_CUT, _MOST_CUT_OF_KEPT = 0.25, 0.75  # where nothing, or a click, says what stays: a larger answer is the whole object again


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
    """Logits (1, 1, h, w) of what a click points at: of the network's three answers to it, the
    smallest, and of that the piece around the click that is to change, no further away than a few
    times the click's distance from the edge: who points into a rim means the rim.

    All negative when no answer will do: one that is too large, or takes in a click that speaks
    against it.
    """
    opposed = [other for other in clicks if other.positive != click.positive]
    asked = [click, *opposed]
    coordinates = torch.tensor([[[one.x, one.y] for one in asked]], device=logits.device) * network.image_size
    labels = torch.tensor([[1, *[0] * len(opposed)]], dtype=torch.int32, device=logits.device)
    maps = [level.permute(1, 2, 0).unflatten(2, size) for level, size in zip(features.levels, features.sizes, strict=True)]
    coarse = maps[-1] + network.no_mem_embed.permute(1, 2, 0)[..., None]
    point = {"point_coords": coordinates, "point_labels": labels}
    with half_on_gpu(network.device):
        answers, *_ = network._forward_sam_heads(coarse, point, high_res_features=maps[:-1], multimask_output=True)
    most = _MOST_ADDED if click.positive else _MOST_CUT_OF_KEPT if opposed else _MOST_CUT
    changeable = (logits > 0) != click.positive
    changeable = changeable & _around(changeable, click)
    smallest, least = torch.full_like(logits, -SURE), int(most * (logits > 0).sum()) + 1
    for part in answers.float().split(1, 1):
        piece = _piece_at((part > 0) & changeable, click)
        if 0 < (size := int(piece.sum())) < least and all(Click(o.x, o.y, False).agrees(piece.float()) for o in opposed):
            smallest, least = torch.where(piece, part, part.clamp(max=-_OUTSIDE)), size
    return smallest


def _around(mask: Tensor, click: Click) -> Tensor:
    """Cells within _REACH times the depth at which a click lies in a mask, bool (1, 1, h, w)."""
    height, width = mask.shape[-2:]
    depth = depth_inside(mask[0, 0].cpu().numpy())
    reach = _REACH * float(depth[min(int(click.y * height), height - 1), min(int(click.x * width), width - 1)]) / height
    ys, xs = _centres(mask)
    return (xs - click.x) ** 2 + (ys - click.y) ** 2 <= max(reach, _DOT) ** 2


def _piece_at(mask: Tensor, click: Click) -> Tensor:
    """The connected piece of a mask, bool (1, 1, h, w), in which a click lies; empty where it lies
    in none.
    """
    height, width = mask.shape[-2:]
    _, labels = cv2.connectedComponents(mask[0, 0].cpu().numpy().astype(np.uint8), connectivity=4)
    label = labels[min(int(click.y * height), height - 1), min(int(click.x * width), width - 1)]
    return torch.from_numpy(labels == label)[None, None].to(mask.device) & mask


def _centres(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Centres of the cells of logits (1, 1, h, w) in sides of the picture: y (h, 1) and x
    (1, w).
    """
    height, width = logits.shape[-2:]
    ys = (torch.arange(height, device=logits.device)[:, None] + 0.5) / height
    xs = (torch.arange(width, device=logits.device)[None, :] + 0.5) / width
    return ys, xs
