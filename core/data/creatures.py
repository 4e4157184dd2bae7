"""Bodies of several parts that move together: animals, vehicles, people, chains, cycles and loose
assemblies, as trees of joints.

A body is drawn from a plan: a table that says for each part which other it hangs on and where, how
long and wide it is, and how it swings. Plans are the same size, so that a batch of different bodies
is one set of tensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from core.data.noise import chance, log_uniform, uniform

PARTS = 8
"""Slots for parts in every body; many bodies leave some empty."""

ORGANIC, LIMB, BOX, ROUND, RING, SILHOUETTE = range(6)
FAMILIES = 6
"""Families of outlines (core.data.pictures)."""


class Part(NamedTuple):
    """A row of a plan.

    Lengths are half lengths for a body of size 1; `along` and `across` are where it is hung on its
    parent, in the parent's half length and width; angles in degrees, clockwise, relative to the
    parent; `hang` 1 hangs by the end, 0 by the middle.

    `group` is whose texture it wears: 0 the body's, 1 a second one, 2 its own. `layer` orders the
    drawing, low first.
    """

    parent: int
    along: float
    across: float
    angle: float
    length: float
    width: float
    hang: float
    swing: float
    phase: float
    family: int
    group: int
    layer: int


def _leg(along: float, phase: float, layer: int) -> Part:
    return Part(0, along, 0.6, 90, 0.27, 0.045, 1, 26, phase, LIMB, 1, layer)


_QUADRUPED = (
    Part(-1, 0, 0, 0, 0.45, 0.2, 0, 3, 0, ORGANIC, 0, 4),
    Part(0, 0.8, -0.4, -55, 0.2, 0.065, 0.95, 12, 0.1, LIMB, 0, 5),
    Part(1, 0.95, 0, 52, 0.14, 0.085, 0.5, 14, 0.3, ORGANIC, 0, 6),
    _leg(0.68, 0, 7),
    _leg(-0.7, 0.5, 7),
    _leg(0.56, 0.5, 1),
    _leg(-0.58, 0, 2),
    Part(0, -0.93, -0.35, 150, 0.2, 0.03, 1, 28, 0.2, LIMB, 0, 0),
)
_BIRD = (
    Part(-1, 0, 0, -6, 0.42, 0.22, 0, 4, 0, ORGANIC, 0, 3),
    Part(0, 0.8, -0.4, -75, 0.17, 0.055, 0.95, 12, 0.1, LIMB, 0, 4),
    Part(1, 0.95, 0, 5, 0.16, 0.048, 0.95, 14, 0.2, LIMB, 0, 5),
    Part(2, 0.95, 0, 75, 0.095, 0.06, 0.5, 12, 0.3, ORGANIC, 0, 6),
    Part(3, 0.9, 0, 5, 0.085, 0.025, 0.9, 5, 0, LIMB, 2, 5),
    Part(0, 0.1, -0.25, 170, 0.32, 0.13, 0.6, 16, 0.4, ORGANIC, 1, 7),
    Part(0, -0.85, -0.2, 195, 0.17, 0.07, 0.8, 10, 0.6, ORGANIC, 1, 2),
    Part(0, 0.0, 0.8, 88, 0.15, 0.02, 1, 20, 0.5, LIMB, 2, 0),
)
_VEHICLE = (
    Part(-1, 0, 0, 0, 0.55, 0.15, 0, 1, 0, BOX, 0, 1),
    Part(0, -0.08, -1.5, 0, 0.3, 0.13, 0, 0, 0, BOX, 0, 0),
    Part(1, 0.4, 0.1, 0, 0.14, 0.085, 0, 0, 0, BOX, 2, 4),
    Part(0, 0.62, 0.9, 0, 0.125, 0.125, 0, 180, 0, ROUND, 1, 5),
    Part(0, -0.6, 0.9, 0, 0.125, 0.125, 0, 180, 0, ROUND, 1, 5),
    Part(1, -0.45, 0.1, 0, 0.12, 0.085, 0, 0, 0, BOX, 2, 4),
    Part(0, 0, 0.25, 0, 0.53, 0.025, 0, 0, 0, BOX, 1, 3),
    Part(0, 0.92, -0.1, 0, 0.045, 0.045, 0, 0, 0, ROUND, 2, 3),
)
_BIPED = (
    Part(-1, 0, 0, -90, 0.27, 0.125, 0, 5, 0, ORGANIC, 0, 3),
    Part(0, 1.3, 0, 0, 0.11, 0.085, 0, 12, 0.2, ORGANIC, 2, 4),
    Part(0, 0.75, 0.7, 170, 0.25, 0.04, 1, 32, 0.5, LIMB, 0, 6),
    Part(0, 0.75, -0.7, 190, 0.25, 0.04, 1, 32, 0, LIMB, 0, 0),
    Part(0, -0.85, 0.4, 174, 0.34, 0.058, 1, 26, 0, LIMB, 1, 2),
    Part(0, -0.85, -0.4, 186, 0.34, 0.058, 1, 26, 0.5, LIMB, 1, 1),
    Part(0, 0.2, -1.1, 0, 0.17, 0.08, 0, 8, 0.3, BOX, 2, 2),
    Part(1, 0.75, 0, 90, 0.14, 0.03, 0, 5, 0, LIMB, 1, 5),
)
_CHAIN = (
    Part(-1, 0, 0, 0, 0.13, 0.055, 0, 34, 0, LIMB, 0, 0),
    *(
        Part(index - 1, 0.92, 0, 8, 0.13, 0.055 - 0.004 * index, 0.92, 34, 0.16 * index, LIMB, group, index)
        for index, group in enumerate((0, 1, 0, 0, 1, 0, 2), start=1)
    ),
)
_CYCLE = (
    Part(-1, 0, 0, 0, 0.22, 0.22, 0, 180, 0, RING, 0, 1),
    Part(0, 0, 0, -42, 0.27, 0.025, 1, 2, 0, LIMB, 1, 2),
    Part(1, 1, 0, 58, 0.24, 0.025, 1, 2, 0, LIMB, 1, 2),
    Part(2, 1, 0, 0, 0.22, 0.22, 0, 180, 0, RING, 0, 1),
    Part(1, 1, 0, -35, 0.25, 0.1, 0.8, 8, 0.2, ORGANIC, 2, 4),
    Part(4, 1.25, 0, 0, 0.09, 0.075, 0.2, 8, 0.2, ORGANIC, 0, 5),
    Part(4, -0.7, 0, 170, 0.24, 0.05, 1, 35, 0.3, LIMB, 1, 6),
    Part(4, 0.7, 0, 110, 0.22, 0.035, 1, 12, 0.5, LIMB, 2, 6),
)
_ASSEMBLY = (
    Part(-1, 0, 0, 0, 0.35, 0.24, 0, 6, 0, ORGANIC, 0, 3),
    Part(0, 0.8, -0.3, -40, 0.22, 0.14, 0.6, 15, 0.1, BOX, 1, 4),
    Part(0, -0.8, 0.2, 160, 0.25, 0.09, 0.8, 25, 0.4, ORGANIC, 2, 1),
    Part(0, 0.2, -0.8, -80, 0.2, 0.05, 0.9, 20, 0.6, LIMB, 1, 2),
    Part(1, 0.8, 0.1, -20, 0.16, 0.06, 0.8, 20, 0.2, SILHOUETTE, 2, 5),
    Part(0, -0.2, 0.1, 30, 0.14, 0.1, 0, 5, 0.3, ROUND, 2, 6),
    Part(3, 0.9, 0, 10, 0.1, 0.09, 0.7, 15, 0.8, SILHOUETTE, 0, 1),
    Part(0, 0.5, 0.8, 80, 0.22, 0.03, 1, 25, 0.7, LIMB, 2, 0),
)


def _alone(length: float, width: float, family: int) -> tuple[Part, ...]:
    return (Part(-1, 0, 0, 0, length, width, 0, 6, 0, family, 0, 0),)


_PLANS: tuple[tuple[tuple[Part, ...], float, float], ...] = (
    (_QUADRUPED, 0.17, 12),
    (_BIRD, 0.1, 12),
    (_VEHICLE, 0.12, 2),
    (_BIPED, 0.12, 12),
    (_CHAIN, 0.07, 15),
    (_CYCLE, 0.06, 5),
    (_ASSEMBLY, 0.14, 70),
    (_alone(0.5, 0.33, ORGANIC), 0.06, 0),
    (_alone(0.5, 0.4, SILHOUETTE), 0.05, 0),
    (_alone(0.45, 0.45, ROUND), 0.06, 0),
    (_alone(1.8, 0.09, BOX), 0.05, 90),
)
"""Plan, how often it is drawn, and by how many degrees its joints vary from body to body."""

SOLID_PLAN = 9
"""The plan whose only part may be a shaded solid (core.data.solids)."""


def _table() -> Tensor:
    """All plans as (plans, PARTS, fields of Part); empty slots have length 0 and hang on the
    body."""
    empty = Part(0, 0, 0, 0, 0, 0, 0, 0, 0, ORGANIC, 0, 0)
    return torch.tensor([[list(part) for part in (*plan, *[empty] * (PARTS - len(plan)))] for plan, _, _ in _PLANS], dtype=torch.float32)


@dataclass
class Bodies:
    """A batch (N,) of bodies. half (N, PARTS, 2) half length and width (0 where there is no part);
    family, group, order int64 (N, PARTS): `order` lists the parts as they are drawn; plan int64
    (N,). The rest is what `pose` needs."""

    plan: Tensor
    half: Tensor
    family: Tensor
    group: Tensor
    order: Tensor
    parent: Tensor
    joint: Tensor
    hang: Tensor
    rest: Tensor
    swing: Tensor
    phase: Tensor
    pace: Tensor

    def pose(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Middle (N, PARTS, 2, T) and angle (N, PARTS, T) of every part at times (N, T), the body's
        middle at 0, x forward, y down."""
        turn = self.rest[..., None] + self.swing[..., None] * torch.sin(
            2 * math.pi * (self.pace[:, None, None] * time[:, None] + self.phase[..., None])
        )
        count, frames = time.shape
        middles, angles = torch.zeros(count, PARTS, 2, frames, device=time.device), torch.zeros(count, PARTS, frames, device=time.device)
        for part in range(PARTS):
            parent = self.parent[:, part]
            above = parent.clamp(min=0)
            angle = turn[:, part] + (angles.gather(1, above[:, None, None].expand(-1, 1, frames))[:, 0] if part else 0.0)
            middle = self.hang[:, part, None] * self.half[:, part, :1] * torch.stack([angle.cos(), angle.sin()])  # (2, N, T)
            middle = middle.transpose(0, 1)
            if part:
                base = middles.gather(1, above[:, None, None, None].expand(-1, 1, 2, frames))[:, 0]
                held = angles.gather(1, above[:, None, None].expand(-1, 1, frames))[:, 0]
                size = self.half.gather(1, above[:, None, None].expand(-1, 1, 2))[:, 0]
                x, y = (self.joint[:, part] * size).unbind(1)
                x, y = x[:, None], y[:, None]
                middle = middle + base + torch.stack([held.cos() * x - held.sin() * y, held.sin() * x + held.cos() * y], 1)
            middles[:, part], angles[:, part] = middle, angle
        return middles, angles


class Builder:
    """Draws bodies; holds the plans on the device, so that nothing is copied while a step is being
    captured."""

    def __init__(self, device: torch.device | str) -> None:
        self.table = _table().to(device)
        self.limits = torch.tensor([share for _, share, _ in _PLANS], device=device).cumsum(0)
        self.loose = torch.tensor([math.radians(degrees) for _, _, degrees in _PLANS], device=device)

    def draw(self, count: int) -> Bodies:
        """Draw `count` bodies from torch's generator: proportions, joints and gait vary, and some
        parts are missing."""
        device = self.table.device
        plan = torch.searchsorted(self.limits, torch.rand(count, device=device) * self.limits[-1]).clamp(max=len(_PLANS) - 1)
        field = dict(zip(Part._fields, self.table[plan].unbind(2), strict=True))
        group = field["group"].long()
        # limbs of one kind are alike in one body
        kin = torch.exp(0.3 * torch.randn(count, 3, 2, device=device)).gather(1, group[..., None].expand(-1, -1, 2))
        own = torch.exp(0.12 * torch.randn(count, PARTS, 2, device=device))
        half = torch.stack([field["length"], field["width"]], 2) * kin * own
        stout = torch.where(field["family"] == LIMB, log_uniform(count, 1, device=device, low=0.9, high=1.8), 1.0)
        half = torch.stack([half[..., 0], half[..., 1] * stout], 2)
        kept = chance(count, PARTS, device=device, p=0.9)
        kept[:, :1].fill_(1)
        # what hangs on a missing part is kept: it merely floats nearer, as parts hidden by others
        # seem to
        half = half * kept[..., None]
        loose = self.loose[plan][:, None] * torch.randn(count, PARTS, device=device)
        rest = torch.deg2rad(field["angle"]) + loose
        lively = log_uniform(count, 1, device=device, low=0.3, high=1.6) * chance(count, 1, device=device, p=0.85)
        return Bodies(
            plan,
            half,
            field["family"].long(),
            group,
            (field["layer"] + 0.01 * torch.arange(PARTS, device=device)).argsort(1),
            field["parent"].long(),
            torch.stack([field["along"], field["across"]], 2),
            field["hang"],
            rest,
            torch.deg2rad(field["swing"]) * lively,
            field["phase"] + uniform(count, 1, device=device),
            log_uniform(count, device=device, low=1.0, high=5.0),
        )
