"""Random numbers and random fields that the procedural world is made of.

Everything draws from torch's generator of the device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor


@contextmanager
def seeded(seed: int, device: torch.device | str) -> Iterator[None]:
    """Draw from a generator seeded with `seed` inside the block; the generator's own state comes
    back afterwards."""
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def uniform(*shape: int, device: torch.device | str, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Draw numbers evenly from [low, high).

    Args:
        *shape: Of the result.
        device: Where it is drawn.
        low: Least value.
        high: Limit.

    Returns:
        float (*shape).
    """
    return torch.rand(*shape, device=device) * (high - low) + low


def log_uniform(*shape: int, device: torch.device | str, low: float, high: float) -> Tensor:
    """Draw numbers whose logarithm is even between two limits.

    Args:
        *shape: Of the result.
        device: Where it is drawn.
        low: Least value, above 0.
        high: Limit.

    Returns:
        float (*shape).
    """
    return torch.exp(uniform(*shape, device=device, low=math.log(low), high=math.log(high)))


def chance(*shape: int, device: torch.device | str, p: float) -> Tensor:
    """1.0 with probability p, else 0.0."""
    return (torch.rand(*shape, device=device) < p).float()


def sine_noise(point: Tensor, waves: int, low: float, high: float) -> Tensor:
    """Evaluate a smooth random solid field: plane waves of random direction and phase.

    Args:
        point: Points in space, (N, 3, P).
        waves: How many are added.
        low: Least frequency.
        high: Greatest frequency.

    Returns:
        (N, P), about unit variance.
    """
    count, device = point.shape[0], point.device
    direction = F.normalize(torch.randn(count, waves, 3, device=device), dim=2) * log_uniform(
        count, waves, 1, device=device, low=low, high=high
    )
    phase = uniform(count, waves, 1, device=device, high=2 * math.pi)
    total = torch.zeros_like(point[:, 0])
    for index in range(waves):
        total = total + torch.sin((direction[:, index, :, None] * point).sum(1) + phase[:, index])
    return total * math.sqrt(2 / waves)


def octave_noise(
    count: int, channels: int, size: int, device: torch.device | str, coarsest: int = 2, finest: int = 128, flattest: float = -0.1
) -> Tensor:
    """Sum random grids from coarse to fine, with a random slope of the spectrum.

    Args:
        count: Of pictures.
        channels: Of each.
        size: Side in pixels.
        device: Where it is drawn.
        coarsest: Cells of the coarsest grid.
        finest: Cells that the finest grid may have.
        flattest: The least slope that is drawn, 1 is the most. A slope of 0 gives every octave the
            same energy, as in photographs.

    Returns:
        (count, channels, size, size), about unit variance.
    """
    slope = uniform(count, channels, 1, 1, device=device, low=flattest, high=1.0)
    total, power = torch.zeros(count, channels, size, size, device=device), torch.zeros(count, channels, 1, 1, device=device)
    cells, octave = coarsest, 0
    while cells <= min(finest, size):
        weight = torch.exp(-slope * octave) * uniform(count, channels, 1, 1, device=device, low=0.3, high=1.0)
        grid = torch.randn(count, channels, cells, cells, device=device)
        mode = "bicubic" if cells <= 16 else "bilinear"
        total = total + weight * F.interpolate(grid, size=(size, size), mode=mode, align_corners=False)
        power = power + 0.5 * weight * weight
        cells, octave = cells * 2, octave + 1
    return total / power.sqrt()


def walk(count: int, number: int, time: Tensor, device: torch.device | str) -> Tensor:
    """Draw smooth random paths that start at 0: a drift and a swing.

    Args:
        count: Of samples.
        number: Of paths for each.
        time: In windows, (T,).
        device: Where it is drawn.

    Returns:
        (count, number, T), about unit size after one window.
    """
    drift, swing = torch.randn(count, number, 1, device=device), torch.randn(count, number, 1, device=device)
    pace = log_uniform(count, number, 1, device=device, low=1.0, high=7.0)
    phase = uniform(count, number, 1, device=device, high=2 * math.pi)
    return 0.8 * drift * time + 0.45 * swing * (torch.sin(pace * time + phase) - torch.sin(phase))
