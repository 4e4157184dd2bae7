"""What a person would say about a thing whose mask is known: a box, a click on it, a click on a
mistake. In batches, without the host."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.creatures import PARTS
from core.data.noise import chance

_LOOSE = 0.05  # of a box's sides: how far a hand-drawn edge is off, as a standard deviation


def boxes(masks: Tensor, jitter: float = _LOOSE) -> Tensor:
    """Corners float (N, 2, 2), x before y, in pixels of masks bool (N, S, S): around the mask, in
    six of ten cases loosely."""
    size = masks.shape[-1]
    columns, rows = masks.any(1).float(), masks.any(2).float()
    low = torch.stack([columns.argmax(1), rows.argmax(1)], 1).float()
    high = size - torch.stack([columns.flip(1).argmax(1), rows.flip(1).argmax(1)], 1).float()
    loose = chance(len(masks), 1, 1, device=masks.device, p=0.6) * jitter * torch.randn(len(masks), 2, 2, device=masks.device)
    return (torch.stack([low, high], 1) + loose * (high - low)[:, None]).clamp(0, size)


def _depth(masks: Tensor) -> Tensor:
    """Roughly how deep inside a mask (N, S, S) of 0 and 1 a pixel lies, 0 to 1 on it and 0 off
    it."""
    near, wide = F.avg_pool2d(masks[:, None], 9, 1, 4), F.avg_pool2d(masks[:, None], 33, 1, 16)
    return (masks[:, None] * near * near * wide)[:, 0]


def _draw(weight: Tensor) -> Tensor:
    """A pixel of each picture (N, S, S), as likely as its weight: its middle (N, 2), x before y."""
    size = weight.shape[-1]
    gumbel = -torch.log(-torch.log(torch.rand_like(weight).clamp(1e-7, 1 - 1e-6)))
    best = ((weight + 1e-12).log() + gumbel).flatten(1).argmax(1)
    return torch.stack([best % size, torch.div(best, size, rounding_mode="floor")], 1).float() + 0.5


def clicks(masks: Tensor, parts: Tensor) -> Tensor:
    """A click (N, 2) on each mask bool (N, S, S): anywhere on it, well inside it, or on any of its
    parts, large or small.

    `parts` int8 (N, S, S) are labels of TrackingClips.
    """
    inside = masks.float()
    part = torch.remainder(parts, PARTS)
    share = torch.zeros_like(inside)
    for index in range(PARTS):
        own = inside * (part == index)
        share = share + own / own.sum((1, 2), keepdim=True).clamp(min=1)
    deep = _depth(inside)
    kind = torch.rand(len(masks), 1, 1, device=masks.device)
    deepest = (deep / deep.amax((1, 2), keepdim=True).clamp(min=1e-6)) ** 12
    return _draw(torch.where(kind < 0.3, inside, torch.where(kind < 0.65, share * (0.1 + deep), deepest * inside)))


def deepest(masks: Tensor) -> Tensor:
    """The click (N, 2) that lies deepest inside each mask bool (N, S, S)."""
    depth = _depth(masks.float())
    size = masks.shape[-1]
    best = depth.flatten(1).argmax(1)
    return torch.stack([best % size, torch.div(best, size, rounding_mode="floor")], 1).float() + 0.5


def corrections(answer: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """A click (N, 2) on a mistake of each answer bool (N, S, S), rather inside a large one than at
    a rim, and its label int32 (N, 1).

    1 where the truth bool (N, S, S) has the object, else 0. Where nothing is wrong it falls on the
    object.
    """
    wrong = (answer != truth).float()
    place = _draw(_depth(wrong) ** 2 + 1e-3 * wrong + 1e-9 * truth.float())
    column, row = place.long().unbind(1)
    return place, truth[torch.arange(len(truth), device=truth.device), row, column].int()[:, None]
