"""Outlines of things that are not in the picture: bodies with limbs, in the loose way in which a
mask of a real object looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.noise import chance, log_uniform, uniform


@dataclass
class SilhouettePool:
    """coverage uint8 (N, 1, S, S) of outlines that fill the picture; centre (N, 2) and radius (N,)
    of the largest disc inside, in [-1, 1]."""

    coverage: Tensor
    centre: Tensor
    radius: Tensor


def _inscribed(coverage: Tensor) -> tuple[Tensor, Tensor]:
    """The largest disc inside each outline (N, S, S), by eroding until nothing is left."""
    size = coverage.shape[-1]
    left = F.pad((coverage > 0.5).float(), (1, 1, 1, 1))[:, None]
    depth = left.clone()
    for turn in range(size // 2):
        # A square and a plus in turn: their mixture erodes by nearly a disc.
        outside = 1 - left
        if turn % 2:
            grown = F.max_pool2d(outside, 3, 1, 1)
        else:
            grown = torch.maximum(F.max_pool2d(outside, (3, 1), 1, (1, 0)), F.max_pool2d(outside, (1, 3), 1, (0, 1)))
        left = 1 - grown
        depth = depth + left
    depth = depth[:, 0, 1:-1, 1:-1].flatten(1)
    best = depth.argmax(1)
    row, column = torch.div(best, size, rounding_mode="floor"), best % size
    centre = (torch.stack([column, row], 1).float() + 0.5) / size * 2 - 1
    return centre, depth.gather(1, best[:, None])[:, 0] * 2 / size


@torch.no_grad()
def render_silhouettes(count: int, size: int, device: torch.device | str) -> SilhouettePool:
    """Render lobed bodies with up to six capsules stuck on, stretched so that their box fills the
    picture.

    Args:
        count: How many.
        size: Side in pixels.
        device: Where it is drawn.

    Returns:
        The pool.
    """
    line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    across, down = line[None, None, :], line[None, :, None]
    aspect = log_uniform(count, 1, 1, device=device, low=0.45, high=1.0)
    around, reach = torch.atan2(down / aspect, across), torch.sqrt(across**2 + (down / aspect) ** 2)
    outline = torch.full_like(reach, 0.64)
    for lobes in (2, 3, 4, 5, 7):
        phase = uniform(count, 1, 1, device=device, high=2 * math.pi)
        outline = outline + 0.16 / lobes * 2 * torch.randn(count, 1, 1, device=device) * torch.cos(lobes * around + phase)
    inside = reach < outline.clamp(min=0.25)
    for _ in range(6):
        angle = uniform(count, 1, 1, device=device, high=2 * math.pi)
        length, width = (
            uniform(count, 1, 1, device=device, low=0.5, high=0.98),
            log_uniform(count, 1, 1, device=device, low=0.05, high=0.22),
        )
        start = 0.3 * torch.randn(count, 2, 1, 1, device=device)
        ex, ey = angle.cos() * length - start[:, 0], angle.sin() * length - start[:, 1]
        dx, dy = across - start[:, 0], down - start[:, 1]
        along = ((dx * ex + dy * ey) / (ex**2 + ey**2 + 1e-6)).clamp(0, 1)
        limb = torch.sqrt((dx - along * ex) ** 2 + (dy - along * ey) ** 2) < width
        inside = inside | (limb & (chance(count, 1, 1, device=device, p=0.35) > 0))
    # Stretch the box of the outline over the whole picture.
    columns, rows = inside.any(1), inside.any(2)
    low = torch.stack([torch.where(columns, line, 9.0).amin(1), torch.where(rows, line, 9.0).amin(1)], 1)
    high = torch.stack([torch.where(columns, line, -9.0).amax(1), torch.where(rows, line, -9.0).amax(1)], 1)
    middle, half = (low + high) / 2, (high - low) / 2 + 1.0 / size
    grid = torch.stack(
        [
            (across * half[:, 0, None, None] + middle[:, 0, None, None]).expand(-1, size, -1),
            (down * half[:, 1, None, None] + middle[:, 1, None, None]).expand(-1, -1, size),
        ],
        -1,
    )
    coverage = F.grid_sample(inside.float()[:, None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    centre, radius = _inscribed(coverage[:, 0])
    return SilhouettePool((coverage * 255).byte(), centre, radius)
