"""Random numbers and random fields that the procedural world is made of. Everything draws from torch's generator of the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor


@contextmanager
def seeded(seed: int, device: torch.device | str) -> Iterator[None]:
    """Draw from a generator seeded with `seed` inside the block; the generator's own state comes back afterwards."""
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def uniform(*shape: int, device: torch.device | str, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Even in [low, high)."""
    return torch.rand(*shape, device=device) * (high - low) + low


def log_uniform(*shape: int, device: torch.device | str, low: float, high: float) -> Tensor:
    """Even in the logarithm between low and high."""
    return torch.exp(uniform(*shape, device=device, low=math.log(low), high=math.log(high)))


def chance(*shape: int, device: torch.device | str, p: float) -> Tensor:
    """1.0 with probability p, else 0.0."""
    return (torch.rand(*shape, device=device) < p).float()


def sine_noise(point: Tensor, waves: int, low: float, high: float) -> Tensor:
    """A smooth random solid field at points (N, 3, P) -> (N, P), about unit variance: plane waves of random direction and phase."""
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
    """Sum of random grids from coarse to fine with a random slope of the spectrum: (count, channels, size, size), about unit variance.

    A slope of 0 gives every octave the same energy, as in photographs; `flattest` is the least slope drawn, 1 the most.
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
    """Smooth random paths that start at 0: (count, number, T) for times (T,) in windows. Drift and a swing; about unit size after one
    window."""
    drift, swing = torch.randn(count, number, 1, device=device), torch.randn(count, number, 1, device=device)
    pace = log_uniform(count, number, 1, device=device, low=1.0, high=7.0)
    phase = uniform(count, number, 1, device=device, high=2 * math.pi)
    return 0.8 * drift * time + 0.45 * swing * (torch.sin(pace * time + phase) - torch.sin(phase))
