"""Backgrounds: still pictures of many textures at many scales, made in batches.

The world's camera moves over them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.noise import chance, log_uniform, octave_noise, uniform


def _palette(count: int, device: torch.device | str) -> Tensor:
    """Three colours that go together, mostly muted as in nature: (count, 3, 3)."""
    brightness = uniform(count, 1, 1, device=device, low=0.05, high=0.95)
    tint = (torch.rand(count, 1, 3, device=device) - 0.5) * log_uniform(count, 1, 1, device=device, low=0.02, high=0.7)
    spread = log_uniform(count, 1, 1, device=device, low=0.04, high=0.5)
    return (
        brightness + tint + spread * torch.randn(count, 3, 1, device=device) + 0.35 * spread * torch.randn(count, 3, 3, device=device)
    ).clamp(0, 1)


def textures(count: int, size: int, device: torch.device | str) -> Tensor:
    """Render noise clouds, gravel, warped stripes, tiles, print and level sets in three colours.

    Args:
        count: Of pictures.
        size: Side in pixels.
        device: Where it is drawn.

    Returns:
        (count, 3, size, size) in [0, 1].
    """
    field = octave_noise(count, 3, size, device, finest=size, flattest=-0.5)
    gravel = octave_noise(count, 2, size, device, coarsest=max(size // 16, 2), finest=size, flattest=-0.3)
    line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    across, down = line[None, None, :], line[None, :, None]
    angle = uniform(count, 1, 1, device=device, high=math.pi)
    frequency = log_uniform(count, 1, 1, device=device, low=3, high=180)
    bend = log_uniform(count, 1, 1, device=device, low=0.05, high=3)
    stripes = 1.4 * torch.sin(frequency * (across * angle.cos() + down * angle.sin()) + bend * field[:, 1])
    levels = torch.sin(47.0 * torch.floor(field[:, 0] * log_uniform(count, 1, 1, device=device, low=1, high=4)) + frequency) * 1.5
    tile_x = torch.floor(across * log_uniform(count, 1, 1, device=device, low=2, high=16) + frequency)
    tile_y = torch.floor(down * log_uniform(count, 1, 1, device=device, low=2, high=16) + frequency)
    tiles = torch.sin(91.7 * tile_x + 47.3 * tile_y * (1 + torch.remainder(tile_x, 3))) * 1.5
    choice = torch.rand(count, 1, 1, device=device)
    main = field[:, 0]
    for limit, kind in ((0.62, gravel[:, 0]), (0.42, _print(count, size, device)), (0.36, tiles), (0.26, levels), (0.14, stripes)):
        main = torch.where(choice < limit, kind, main)
    colours = _palette(count, device)[..., None, None]
    hard = [log_uniform(count, 1, 1, device=device, low=0.5, high=12) for _ in range(2)]
    first = torch.sigmoid(hard[0] * (main - uniform(count, 1, 1, device=device, low=-0.7, high=0.7)))[:, None]
    second = torch.sigmoid(hard[1] * (field[:, 1] - uniform(count, 1, 1, device=device, low=-0.2, high=1.6)))[:, None]
    picture = torch.lerp(torch.lerp(colours[:, 0], colours[:, 1], first), colours[:, 2], second)
    grain = 0.3 * uniform(count, 1, 1, 1, device=device) ** 2
    coarse = (picture * (1 + grain * field[:, 2:3]) + 0.3 * grain * field[:, 1:2]).clamp(0, 1)
    rough = 0.55 * uniform(count, 1, 1, 1, device=device)
    return (coarse * (1 + rough * gravel[:, 1:2])).clamp(0, 1)


def _print(count: int, size: int, device: torch.device | str) -> Tensor:
    """Rows of small marks, as writing looks from afar: (count, size, size), about -1.5 or 1.5."""
    cells = max(size // 3, 1)
    marks = (torch.rand(count, 1, cells, cells, device=device) < 0.5).float()
    marks = F.interpolate(marks, size=(size, size), mode="nearest")[:, 0]
    rows = torch.arange(size, device=device)[None, :, None]
    pitch, phase = (torch.randint(low, high, (count, 1, 1), device=device) for low, high in ((11, 26), (0, 26)))
    return 3.0 * marks * (torch.remainder(rows + phase, pitch) < pitch // 2 + 1).float() - 1.5


def _leaf(across: Tensor, down: Tensor, radius: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """One random convex or lobed shape a picture: coverage and its local coordinates, each (count,
    size, size)."""
    count, device = radius.shape[0], radius.device
    aspect, angle = log_uniform(count, 1, 1, device=device, low=0.25, high=1), uniform(count, 1, 1, device=device, high=2 * math.pi)
    dx, dy = (
        across - uniform(count, 1, 1, device=device, low=-1.05, high=1.05),
        down - uniform(count, 1, 1, device=device, low=-1.05, high=1.05),
    )
    u, v = (dx * angle.cos() + dy * angle.sin()) / radius, (dy * angle.cos() - dx * angle.sin()) / (radius * aspect)
    power = log_uniform(count, 1, 1, device=device, low=1.3, high=8)
    reach = (u.abs() ** power + v.abs() ** power + 1e-6) ** (1 / power)
    around = torch.atan2(v, u)
    lobes = (
        1
        + 0.15 * torch.randn(count, 1, 1, device=device) * torch.cos(2 * around)
        + 0.12 * torch.randn(count, 1, 1, device=device) * torch.cos(3 * around + angle)
    )
    return torch.sigmoid((lobes - reach) * radius * aspect * size * 0.8), u, v


def _strokes(picture: Tensor, across: Tensor, down: Tensor, count: int = 10) -> Tensor:
    """Thin bright and dark lines over pictures (N, 3, S, S): wires, twigs, blades."""
    number, size, device = picture.shape[0], picture.shape[-1], picture.device
    crowded = chance(number, 1, 1, device=device, p=0.4)
    main = uniform(number, 1, 1, device=device, high=math.pi)
    for _ in range(count):
        angle = main + 0.5 * torch.randn(number, 1, 1, device=device)
        x, y = (uniform(number, 1, 1, device=device, low=-1, high=1) for _ in range(2))
        u, v = (across - x) * angle.cos() + (down - y) * angle.sin(), (down - y) * angle.cos() - (across - x) * angle.sin()
        bend, reach = 0.4 * torch.randn(number, 1, 1, device=device), log_uniform(number, 1, 1, device=device, low=0.1, high=1.5)
        half = log_uniform(number, 1, 1, device=device, low=0.6, high=2.5) * 2 / size
        cover = torch.sigmoid((half - (v - bend * u * u).abs()) * size) * (u.abs() < reach) * crowded
        tone = torch.rand(number, 3, 1, 1, device=device) * 0.3 + 0.7 * torch.rand(number, 1, 1, 1, device=device)
        picture = torch.lerp(picture, tone.expand_as(picture), cover[:, None])
    return picture


@torch.no_grad()
def render_backgrounds(count: int, size: int, device: torch.device | str, chunk: int = 48, leaves: int = 56) -> Tensor:
    """Render textured ground and sky under overlapping textured shapes, many small and few large.

    Args:
        count: Of pictures.
        size: Side in pixels.
        device: Where it is drawn.
        chunk: Pictures that are rendered at once; it changes what is drawn.
        leaves: Shapes in each.

    Returns:
        uint8 (count, 3, size, size).
    """
    line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    across, down = line[None, None, :], line[None, :, None]
    out = []
    for start in range(0, count, chunk):
        number = min(chunk, count - start)
        layers = textures(3 * number, size, device)
        far, near = layers[:number], layers[number : 2 * number]
        ridge = octave_noise(number, 1, size, device, finest=32)[:, 0]
        slope = uniform(number, 1, 1, device=device, low=-0.5, high=0.5)
        horizon = down - uniform(number, 1, 1, device=device, low=-0.8, high=0.8) - slope * across
        edge = horizon + ridge * log_uniform(number, 1, 1, device=device, low=0.005, high=1.0)
        picture = torch.lerp(far, near, torch.sigmoid(edge * log_uniform(number, 1, 1, device=device, low=4, high=150))[:, None])
        crowded = log_uniform(number, 1, 1, device=device, low=0.35, high=1.0)
        for _ in range(leaves):
            # Radii fall off as in a picture of things at all distances.
            radius = (
                0.02 / (1 - 0.96 * torch.rand(number, 1, 1, device=device)) * log_uniform(number, 1, 1, device=device, low=0.7, high=1.5)
            )
            coverage, u, v = _leaf(across, down, radius, size)
            source = layers[torch.randint(0, 3 * number, (number,), device=device)]
            light = (
                1
                + uniform(number, 1, 1, device=device, low=-0.35, high=0.35) * u.clamp(-1, 1)
                - uniform(number, 1, 1, device=device, high=0.3) * v.clamp(-1, 1)
            )
            shade = uniform(number, 1, 1, 1, device=device, low=0.55, high=1.25) * light[:, None]
            coverage = coverage * (torch.rand(number, 1, 1, device=device) < crowded)
            picture = picture + coverage[:, None] * (source * shade - picture)
        picture = _strokes(picture, across, down)
        for _ in range(2):  # hard shadows
            radius = log_uniform(number, 1, 1, device=device, low=0.15, high=1.0)
            coverage = _leaf(across, down, radius, size)[0] * chance(number, 1, 1, device=device, p=0.3)
            picture = picture * (1 - uniform(number, 1, 1, 1, device=device, low=0.2, high=0.6) * coverage[:, None])
        glow = 1 + 0.2 * octave_noise(number, 1, size, device, finest=4) * chance(number, 1, 1, 1, device=device, p=0.6)
        picture = picture * glow
        soft = F.avg_pool2d(F.avg_pool2d(picture, 5, 1, 2, count_include_pad=False), 5, 1, 2, count_include_pad=False)
        # Some are out of focus, some sharpened as cameras do it.
        focus = uniform(number, 1, 1, 1, device=device, low=-1.0, high=0.8) * chance(number, 1, 1, 1, device=device, p=0.7)
        picture = torch.lerp(picture, soft, focus)
        picture = picture.clamp(1e-3, 1) ** log_uniform(number, 1, 1, 1, device=device, low=0.7, high=1.4)
        out.append((picture * 255).round().byte())
    return torch.cat(out)
