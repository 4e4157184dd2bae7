"""Pictures of parts: an outline filled with a texture, and lit.

What the bodies of core.data.creatures wear.

A picture has four channels: three of colour and a field that is positive inside the outline, with a
slope of about 1 in units of the picture's half side, so that an edge can be drawn equally sharp at
any size.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.creatures import BOX, FAMILIES, LIMB, ORGANIC, RING, ROUND, SILHOUETTE
from core.data.noise import chance, log_uniform, octave_noise, uniform
from core.data.silhouettes import render_silhouettes


def _lines(size: int, device: torch.device | str) -> tuple[Tensor, Tensor]:
    line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    return line[None, None, :], line[None, :, None]


def _field_of_coverage(coverage: Tensor) -> Tensor:
    """A field of slope 1 or so near the edge of coverage (N, S, S) in [0, 1]."""
    soft = F.avg_pool2d(coverage[:, None], 3, 1, 1)[:, 0]
    return (soft - 0.5) * 6 / coverage.shape[-1]


def _organic(count: int, size: int, device: torch.device | str, wobble: float, low: float, high: float) -> Tensor:
    """Superellipses of exponent `low` to `high` with lobes and a rough rim."""
    across, down = _lines(size, device)
    power = log_uniform(count, 1, 1, device=device, low=low, high=high)
    reach = (across.abs() ** power + down.abs() ** power + 1e-6) ** (1 / power)
    around = torch.atan2(down, across)
    rim = torch.full((count, 1, 1), 0.86, device=device)
    amount = wobble * uniform(count, 1, 1, device=device)
    for lobes in range(2, 6):
        phase = uniform(count, 1, 1, device=device, high=2 * math.pi)
        rim = rim + amount / lobes * torch.randn(count, 1, 1, device=device) * torch.cos(lobes * around + phase)
    rough = 0.1 * uniform(count, 1, 1, device=device) ** 2 * chance(count, 1, 1, device=device, p=0.4)
    return torch.minimum(
        rim.clamp(0.3, 0.97) - reach + rough * octave_noise(count, 1, size, device, coarsest=8, finest=32)[:, 0], 0.98 - reach
    )


def _tapered(count: int, size: int, device: torch.device | str) -> Tensor:
    """Limbs along x: rounded ends, thicker at one end, now and then bent."""
    across, down = _lines(size, device)
    taper = uniform(count, 1, 1, device=device, low=-0.1, high=0.5)
    bend = 0.25 * torch.randn(count, 1, 1, device=device) * chance(count, 1, 1, device=device, p=0.5)
    width = 0.72 * (1 - taper * (across + 1) / 2) * (1 - across.abs() ** 6).clamp(min=0) ** 0.5
    return width - (down - bend * (across**2 - 0.4)).abs()


def _rings(count: int, size: int, device: torch.device | str) -> Tensor:
    """Wheels with a rim and spokes, open between them."""
    across, down = _lines(size, device)
    reach, around = torch.sqrt(across**2 + down**2), torch.atan2(down, across)
    inner = uniform(count, 1, 1, device=device, low=0.55, high=0.85)
    rim = torch.minimum(0.96 - reach, reach - inner)
    spokes = torch.floor(uniform(count, 1, 1, device=device, low=3, high=9))
    spoke = 0.06 - (torch.sin(spokes * around / 2)).abs() * reach / spokes * 2
    hub = uniform(count, 1, 1, device=device, low=0.05, high=0.3) - reach
    return torch.maximum(torch.maximum(rim, hub), torch.minimum(spoke, 0.9 - reach))


@torch.no_grad()
def render_outlines(count: int, size: int, device: torch.device | str) -> Tensor:
    """Render fields of every family of outlines.

    Args:
        count: Of each family.
        size: Side in pixels.
        device: Where it is drawn.

    Returns:
        float16 (FAMILIES, count, size, size), positive inside.
    """
    made: dict[int, Tensor] = {
        ORGANIC: _organic(count, size, device, 0.5, 1.5, 3.5),
        LIMB: _tapered(count, size, device),
        BOX: _organic(count, size, device, 0.06, 4, 14),
        ROUND: _organic(count, size, device, 0.04, 1.8, 2.2),
        RING: _rings(count, size, device),
        SILHOUETTE: _field_of_coverage(render_silhouettes(count, size, device).coverage[:, 0].float() / 255),
    }
    return torch.stack([made[family] for family in range(FAMILIES)]).half()


def crop(source: Tensor, size: int, low: float = 0.25, high: float = 0.95) -> Tensor:
    """Look at a random turned square of each picture.

    Args:
        source: (N, C, s, s).
        size: Side of the result in pixels.
        low: Least side of the square, as a share of the picture.
        high: Greatest side.

    Returns:
        (N, C, size, size).
    """
    return crops(source, 1, size, low, high)[:, 0]


def crops(source: Tensor, number: int, size: int, low: float = 0.25, high: float = 0.95) -> Tensor:
    """Look at several random turned squares of each picture.

    Args:
        source: (N, C, s, s).
        number: Of squares.
        size: Side of the results in pixels.
        low: Least side of a square, as a share of the picture.
        high: Greatest side.

    Returns:
        (N, number, C, size, size).
    """
    count, device = source.shape[0], source.device
    across, down = _lines(size, device)
    across, down = across[:, None], down[:, None]
    zoom = log_uniform(count, number, 1, 1, device=device, low=low, high=high)
    angle = uniform(count, number, 1, 1, device=device, high=2 * math.pi)
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    x = cosine * across - sine * down + uniform(count, number, 1, 1, device=device, low=-1, high=1) * (1 - zoom)
    y = sine * across + cosine * down + uniform(count, number, 1, 1, device=device, low=-1, high=1) * (1 - zoom)
    grid = torch.stack([x, y], -1).view(count, number * size, size, 2).to(source.dtype)
    found = F.grid_sample(source, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return found.view(count, -1, number, size, size).transpose(1, 2)


def lit(texture: Tensor, field: Tensor) -> Tensor:
    """Light a texture (N, 3, s, s) from one side and darken its rim, by its field (N, s, s);
    neither always."""
    count, device = texture.shape[0], texture.device
    across, down = _lines(texture.shape[-1], device)
    angle = uniform(count, 1, 1, device=device, high=2 * math.pi)
    slope = uniform(count, 1, 1, device=device, high=0.5) * chance(count, 1, 1, device=device, p=0.75)
    rim = uniform(count, 1, 1, device=device, high=0.6) * chance(count, 1, 1, device=device, p=0.5)
    light = 1 + slope * (across * angle.cos() + down * angle.sin()) - rim * torch.exp(-6 * field.float().clamp(min=0))
    return (texture * light[:, None].to(texture.dtype)).clamp(0, 1)
