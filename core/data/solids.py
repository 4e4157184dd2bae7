"""Solids: sphere-traced things with light and material, rendered in batches to small pictures with
transparency.

Each kind is a signed distance bound in object space (x right, y up, z towards the viewer, about 1
in size). The camera is parallel and looks slightly down; pose and light vary little, so that the
box around a thing and its name nearly determine the picture: a model that must guess the pose
paints blobs. Standard distance functions, written out from their geometry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.data.noise import sine_noise, uniform
from core.data.vocabulary import COLOURS, KINDS, MATERIALS

CREAM = (0.93, 0.87, 0.74)
"""Stem of the mushroom."""

_FACING = {"ring", "star", "heart", "cross", "moon"}
"""Flat things: they face the viewer and turn only a little."""


@dataclass
class SolidPool:
    """N rendered solids.

    rgba uint8 (N, 5, R, R): red, green, blue, coverage, convex hull; the thing is centred and its
    larger half extent is FILL of the picture. extent float (N, 2): half width and half height in
    units of half the picture. kind, colour, material int64 (N,).
    """

    rgba: Tensor
    extent: Tensor
    kind: Tensor
    colour: Tensor
    material: Tensor


FILL = 0.94


def _length(*parts: Tensor) -> Tensor:
    total = torch.full_like(parts[0], 1e-9)
    for part in parts:
        total = total + part * part
    return total.sqrt()


def _extruded(flat: Tensor, z: Tensor, half: float, bevel: float) -> Tensor:
    """A flat distance given a thickness, with rounded rims."""
    outer, depth = flat + bevel, z.abs() - half + bevel
    return _length(outer.clamp(min=0), depth.clamp(min=0)) + torch.maximum(outer, depth).clamp(max=0) - bevel


def _box(x: Tensor, y: Tensor, z: Tensor, half: tuple[float, float, float], radius: float) -> Tensor:
    qx, qy, qz = (value.abs() - extent + radius for value, extent in zip((x, y, z), half, strict=True))
    inside = torch.maximum(qx, torch.maximum(qy, qz)).clamp(max=0)
    return _length(qx.clamp(min=0), qy.clamp(min=0), qz.clamp(min=0)) + inside - radius


def _star(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    step = math.pi / 5
    angle = torch.remainder(torch.atan2(x, y), 2 * step)
    angle = torch.minimum(angle, 2 * step - angle)
    radius = _length(x, y)
    px, py = radius * angle.cos(), radius * angle.sin()
    tip, notch = 0.98, 0.44
    ex, ey = notch * math.cos(step) - tip, notch * math.sin(step)
    norm = math.hypot(ex, ey)
    return _extruded(((px - tip) * ey - py * ex) / norm, z, 0.24, 0.1)


def _heart(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    # A square on its corner with a half disc on each upper side, 1.2 high before scaling.
    scale = 1.45
    px, py = x.abs() / scale, (y + 0.82) / scale
    disc = _length(px - 0.25, py - 0.75) - math.sqrt(2) / 4
    along = 0.5 * (px + py).clamp(min=0)
    edge = torch.minimum(_length(px, py - 1), _length(px - along, py - along)) * torch.sign(px - py)
    return _extruded(torch.where(px + py > 1, disc, edge) * scale, z, 0.32, 0.26)


def _distance(kind: str, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Lower bound of the distance to the surface of `kind`, negative inside."""
    if kind == "ball":
        return _length(x, y, z) - 0.9
    if kind == "cube":
        return _box(x, y, z, (0.6, 0.6, 0.6), 0.05)
    if kind == "cone":
        norm = math.hypot(1.7, 0.72)
        side = (_length(x, z) * 1.7 + (y - 0.9) * 0.72) / norm
        return torch.maximum(side, -0.8 - y) - 0.02
    if kind == "cylinder":
        radial, height = _length(x, z) - 0.55, y.abs() - 0.75
        return _length(radial.clamp(min=0), height.clamp(min=0)) + torch.maximum(radial, height).clamp(max=0) - 0.04
    if kind == "ring":
        return _length(_length(x, y) - 0.64, z) - 0.26
    if kind == "star":
        return _star(x, y, z)
    if kind == "heart":
        return _heart(x, y, z)
    if kind == "pyramid":
        norm = math.hypot(1.5, 0.8)
        side = (torch.maximum(x.abs(), z.abs()) * 1.5 + (y - 0.9) * 0.8) / norm
        return torch.maximum(side, -0.6 - y)
    if kind == "diamond":
        return (x.abs() + 0.75 * y.abs() + z.abs() - 0.72) / math.sqrt(2 + 0.75**2)
    if kind == "cross":
        bars = torch.minimum(_box(x, y, z, (0.3, 0.92, 0.24), 0.06), _box(x, y, z, (0.92, 0.3, 0.24), 0.06))
        return bars
    if kind == "mushroom":
        cap = torch.maximum(_length(x, (y + 0.02) * 1.05, z) - 0.88, -0.02 - y)
        return torch.minimum(cap, _stem(x, y, z))
    if kind == "moon":
        return _extruded(torch.maximum(_length(x, y) - 0.9, 0.72 - _length(x - 0.42, y - 0.12)), z, 0.24, 0.12)
    raise ValueError(f"unknown kind '{kind}'")


def _stem(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    return torch.maximum(_length(x, z) - 0.27 + 0.1 * y, torch.maximum(y - 0.1, -0.92 - y))


def _march(kind: str, origin: Tensor, ray: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Walk along rays: origin (N, 3, P), ray (N, 3, 1) -> nearest surface point (N, 3, P) and its
    distance (N, P)."""
    travelled = torch.zeros_like(origin[:, 0])
    nearest, nearest_at = torch.full_like(travelled, 9.0), travelled.clone()
    for _ in range(steps):
        point = origin + ray * travelled[:, None]
        distance = _distance(kind, *point.unbind(1))
        closer = distance < nearest
        nearest = torch.where(closer, distance, nearest)
        nearest_at = torch.where(closer, travelled, nearest_at)
        travelled = torch.where(distance > 0.001, (travelled + distance.clamp(max=0.5) * 0.9).clamp(max=5.0), travelled)
    return origin + ray * nearest_at[:, None], nearest


def _rotation(yaw: Tensor, tilt: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Object-space right, up and towards-viewer vectors (N, 3) of a camera turned by yaw that looks
    down by tilt."""
    right = torch.stack([yaw.cos(), torch.zeros_like(yaw), -yaw.sin()], 1)
    toward = torch.stack([yaw.sin() * tilt.cos(), tilt.sin(), yaw.cos() * tilt.cos()], 1)
    return right, torch.linalg.cross(toward, right), toward


def _pattern(point: Tensor, material: Tensor) -> Tensor:
    """How much of the second colour shows at object-space points (N, 3, P) -> (N, P); stone is
    handled apart."""
    count, device = point.shape[0], point.device
    turn = uniform(count, 1, device=device, low=-0.5, high=0.5)
    x, y, z = point.unbind(1)
    u, v = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    pace = uniform(count, 1, device=device, low=8.0, high=13.0)
    stripes = torch.sigmoid(14 * (torch.sin(v * pace + 0.3) - 0.1))
    cell = pace / 4.5
    lattice = _length(*(torch.remainder(value * cell + 0.5, 1) - 0.5 for value in (u, v, z)))
    dots = torch.sigmoid(30 * (0.36 - lattice))
    checks = torch.sigmoid(18 * torch.sin(u * pace * 0.7) * torch.sin(v * pace * 0.7) * torch.sin(z * pace * 0.7 + 0.8).sign())
    which = material[:, None]
    none = torch.zeros_like(dots)
    for name, value in (("striped", stripes), ("dotted", dots), ("checkered", checks)):
        none = torch.where(which == MATERIALS.index(name), value, none)
    return none


def _colours(
    kind: str, point: Tensor, normal: Tensor, toward: Tensor, frame: tuple[Tensor, Tensor], colour: Tensor, material: Tensor
) -> Tensor:
    """Shaded sRGB (N, 3, P) in [0, 1]."""
    count, device = point.shape[0], point.device
    table = torch.tensor(list(COLOURS.values()), device=device)
    base = (table[colour] * uniform(count, 1, device=device, low=0.92, high=1.05) + 0.02 * torch.randn(count, 3, device=device)).clamp(0, 1)
    luminance = base @ torch.tensor([0.30, 0.59, 0.11], device=device)
    second = torch.where((luminance < 0.62)[:, None], torch.full_like(base, 0.95), base * 0.25)
    amount = _pattern(point, material)[:, None]
    albedo = base[:, :, None] * (1 - amount) + second[:, :, None] * amount
    is_stone = (material == MATERIALS.index("stone"))[:, None]
    grain = torch.where(is_stone, 1 + 0.38 * sine_noise(point, waves=10, low=9.0, high=34.0), 1.0)
    albedo = albedo * grain.clamp(0.35, 1.5)[:, None]
    if kind == "mushroom":
        stem = (_stem(*point.unbind(1)) < 0.01) & (point[:, 1] < 0.0)
        albedo = torch.where(stem[:, None], torch.tensor(CREAM, device=device)[None, :, None], albedo)
    # Light from the upper left, in front.
    right, up = frame
    lx, ly = uniform(count, 1, device=device, low=-0.65, high=-0.3), uniform(count, 1, device=device, low=0.55, high=0.85)
    light = torch.nn.functional.normalize(lx * right + ly * up + 0.7 * toward, dim=1)
    lambert = (normal * light[:, :, None]).sum(1).clamp(min=0)
    halfway = torch.nn.functional.normalize(light + toward, dim=1)
    gloss = (normal * halfway[:, :, None]).sum(1).clamp(min=0)
    sky = 0.5 + 0.5 * (normal * up[:, :, None]).sum(1)
    ambient = uniform(count, 1, device=device, low=0.42, high=0.5)
    shiny = (material == MATERIALS.index("shiny"))[:, None].float()
    highlight = shiny * 0.9 * gloss**40 + (1 - shiny) * 0.06 * gloss**6
    return (albedo * (ambient + 0.12 * sky + 0.62 * lambert)[:, None] + highlight[:, None]).clamp(0, 1)


def _hull(coverage: Tensor, directions: int = 32) -> Tensor:
    """Convex hull of coverage (N, R, R) as the intersection of half planes -> float 0 / 1 (N, R,
    R)."""
    size = coverage.shape[-1]
    grid = torch.arange(size, device=coverage.device, dtype=torch.float32)
    inside = coverage > 0.5
    hull = torch.ones_like(inside)
    for index in range(directions):
        angle = 2 * math.pi * index / directions
        height = math.cos(angle) * grid[None, :] + math.sin(angle) * grid[:, None]
        reach = torch.where(inside, height, torch.full_like(height, -1e9)).amax((1, 2), keepdim=True)
        hull &= height <= reach + 0.01
    return hull.float()


@torch.no_grad()
def _render(kind: str, count: int, size: int, device: torch.device | str) -> SolidPool:
    colour = torch.randint(0, len(COLOURS), (count,), device=device)
    material = torch.randint(0, len(MATERIALS), (count,), device=device)
    if kind in _FACING:
        yaw, tilt = uniform(count, device=device, low=-0.3, high=0.3), uniform(count, device=device, low=0.0, high=0.2)
    elif kind in ("cube", "pyramid"):
        yaw, tilt = uniform(count, device=device, low=0.4, high=0.9), uniform(count, device=device, low=0.35, high=0.5)
    else:
        yaw, tilt = uniform(count, device=device, low=0.1, high=0.6), uniform(count, device=device, low=0.2, high=0.38)
    right, up, toward = _rotation(yaw, tilt)

    def rays(resolution: int, centre: Tensor, half: Tensor) -> Tensor:
        line = (torch.arange(resolution, device=device) + 0.5) / resolution * 2 - 1
        across = (line[None, None, :] * half[:, None, None] + centre[:, 0, None, None]).expand(-1, resolution, -1).flatten(1)
        upward = (-line[None, :, None] * half[:, None, None] + centre[:, 1, None, None]).expand(-1, -1, resolution).flatten(1)
        return right[:, :, None] * across[:, None] + up[:, :, None] * upward[:, None] + 2 * toward[:, :, None]

    # First look at a coarse picture for the extent, then render with the thing centred and filling
    # the picture.
    coarse, reach = 48, 1.3
    zero, wide = torch.zeros(count, 2, device=device), torch.full((count,), reach, device=device)
    _, distance = _march(kind, rays(coarse, zero, wide), -toward[:, :, None], 24)
    hit = (distance < 0.5 * reach / coarse).view(count, coarse, coarse)
    line = ((torch.arange(coarse, device=device) + 0.5) / coarse * 2 - 1) * reach
    columns, rows = hit.any(1), hit.any(2)
    low_x, high_x = torch.where(columns, line, 9.0).amin(1), torch.where(columns, line, -9.0).amax(1)
    low_y, high_y = torch.where(rows, line, 9.0).amin(1), torch.where(rows, line, -9.0).amax(1)
    centre = torch.stack([(low_x + high_x) / 2, -(low_y + high_y) / 2], 1)
    half_extent = torch.stack([high_x - low_x, high_y - low_y], 1) / 2 + 0.5 * reach / coarse
    half = half_extent.amax(1) / FILL

    ray = -toward[:, :, None]
    point, distance = _march(kind, rays(size, centre, half), ray, 44)
    # A ray that hits ends just above the surface, never inside; one that misses by a pixel does not
    # cover.
    coverage = (1.15 - distance / (2 * half[:, None] / size)).clamp(0, 1)
    step = 0.008
    taps = torch.tensor([[1.0, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], device=device)
    normal = sum(tap[None, :, None] * _distance(kind, *(point + step * tap[None, :, None]).unbind(1))[:, None] for tap in taps)
    normal = torch.nn.functional.normalize(normal, dim=1)
    rgb = _colours(kind, point, normal, toward, (right, up), colour, material)
    coverage = coverage.view(count, size, size)
    picture = torch.cat([rgb.view(count, 3, size, size), coverage[:, None], _hull(coverage)[:, None]], 1)
    return SolidPool(
        (picture * 255).round().byte(),
        half_extent / half[:, None],
        torch.full((count,), KINDS.index(kind), device=device),
        colour,
        material,
    )


def render_solids(per_kind: int, size: int, device: torch.device | str, chunk: int = 128) -> SolidPool:
    """Render solids of every kind in KINDS; colours and materials are drawn evenly.

    Args:
        per_kind: Pictures of each kind.
        size: Side in pixels.
        device: Where it is drawn.
        chunk: Pictures that are rendered at once; it changes what is drawn.

    Returns:
        The pool, drawn from torch's generator.
    """
    parts = [_render(kind, min(chunk, per_kind - start), size, device) for kind in KINDS for start in range(0, per_kind, chunk)]
    return SolidPool(*(torch.cat([getattr(part, name) for part in parts]) for name in ("rgba", "extent", "kind", "colour", "material")))
