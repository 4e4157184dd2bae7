"""The scene of a clip for tracking: where its things and its camera are, and how it is painted from
far to near."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.creatures import Bodies, PARTS
from core.data.liveliness import Liveliness
from core.data.shadows import Shadows

THINGS = 4
"""Bodies in a clip, drawn in this order: the last is nearest."""

_SHARPNESS = 2.0  # of an edge: it goes from clear to solid within about two pixels
_THINNEST = 1.6  # half width in pixels of what is drawn at all


@dataclass
class Placement:
    """Where the things of a batch are. position (B, THINGS, 2, T) in half sides of the picture;
    angle, zoom (B, THINGS, T); stretch (B, THINGS); mirrored (B, THINGS) 1 or -1; depth (B,
    THINGS): how much faster than the background a thing passes the camera; wave (B, THINGS, 2, 3):
    size, frequency and pace of its bending across and along."""

    position: Tensor
    angle: Tensor
    zoom: Tensor
    stretch: Tensor
    mirrored: Tensor
    depth: Tensor
    wave: Tensor


@dataclass
class Camera:
    """pan (B, 2, T) in half sides, roll (B, T) in radians, zoom (B, T)."""

    pan: Tensor
    roll: Tensor
    zoom: Tensor

    def look(self, x: Tensor, y: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Find what a place in the picture shows.

        Args:
            x: Picture coordinates across, in half sides.
            y: Picture coordinates down.
            depth: Of the things, (B,).

        Returns:
            World coordinates x and y, (B, T, S, S) each.
        """
        cosine, sine = (self.roll.cos() * self.zoom)[..., None, None], (self.roll.sin() * self.zoom)[..., None, None]
        pan = (self.pan * depth[:, None, None])[..., None, None]
        return cosine * x - sine * y + pan[:, 0], sine * x + cosine * y + pan[:, 1]

    def project(self, position: Tensor, depth: Tensor) -> Tensor:
        """Picture coordinates (B, 2, T) of world positions (B, 2, T)."""
        x, y = (position - self.pan * depth[:, None, None]).unbind(1)
        cosine, sine = self.roll.cos() / self.zoom, self.roll.sin() / self.zoom
        return torch.stack([cosine * x + sine * y, cosine * y - sine * x], 1)


def paint(
    canvas: Tensor, pictures: Tensor, bodies: Bodies, place: Placement, camera: Camera, time: Tensor, shadows: Shadows, lively: Liveliness
) -> tuple[Tensor, Tensor]:
    """Draw all things on a canvas, far ones first.

    Args:
        canvas: (B, 3, T, S, S) in [0, 1].
        pictures: The parts' (core.data.pictures), (B, THINGS * PARTS, 4, R, R).
        bodies: Of B * THINGS things.
        place: Where the things are.
        camera: Of each clip.
        time: (B, T).
        shadows: Fall on what is farther away and belong to nothing.
        lively: What the things do besides moving.

    Returns:
        The canvas and labels int8 (B, T, S, S).
    """
    batch, _, frames, size, _ = canvas.shape
    device, dtype = canvas.device, canvas.dtype
    line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    x, y = line[None, None, None, :], line[None, None, :, None]
    middle, angle = bodies.pose(time.repeat_interleave(THINGS, 0, output_size=batch * THINGS))
    middle, angle = middle.view(batch, THINGS, PARTS, 2, frames), angle.view(batch, THINGS, PARTS, frames)
    half, order = bodies.half.view(batch, THINGS, PARTS, 2), bodies.order.view(batch, THINGS, PARTS)
    labels = torch.full((batch, frames, size, size), -1, dtype=torch.int8, device=device)
    row = torch.arange(batch, device=device)
    for thing in range(THINGS):
        wx, wy = camera.look(x, y, place.depth[:, thing])
        wx, wy = wx - place.position[:, thing, 0, :, None, None], wy - place.position[:, thing, 1, :, None, None]
        zoom = place.zoom[:, thing]
        # the soft spot lies on the ground: it neither turns nor bends with the thing
        far = (wx / (zoom * 0.6)[..., None, None]) ** 2 + ((wy / zoom[..., None, None] - 0.42) / 0.13) ** 2
        spot = (shadows.dark * (1 - shadows.cast))[:, thing, None, None, None] * torch.exp(-far)
        layer, alpha = torch.zeros_like(canvas), torch.zeros_like(wx, dtype=dtype)
        turn = place.angle[:, thing]
        cosine, sine = (turn.cos() / zoom)[..., None, None], (turn.sin() / zoom)[..., None, None]
        ox = (cosine * wx + sine * wy) * (place.mirrored / place.stretch)[:, thing, None, None, None]
        oy = (cosine * wy - sine * wx) * place.stretch[:, thing, None, None, None]
        amount, frequency, pace = (place.wave[:, thing, :, index, None] for index in range(3))
        swing = pace * time[:, None]
        bend = amount[..., None, None] * torch.sin(frequency[..., None, None] * torch.stack([oy, ox], 1) + swing[..., None, None])
        ox, oy = lively.bend(thing, ox + bend[:, 0], oy + bend[:, 1], time)
        scale = zoom / camera.zoom  # of the thing in the picture
        for slot in range(PARTS):
            part = order[:, thing, slot]
            at, tilt, reach = middle[row, thing, part], angle[row, thing, part], half[row, thing, part]
            there = (reach[:, 0] > 0).float()[:, None, None, None]
            reach = torch.maximum(reach[:, :, None], _THINNEST * 2 / size / scale[:, None])
            dx, dy = ox - at[:, 0, :, None, None], oy - at[:, 1, :, None, None]
            cosine, sine = tilt.cos()[..., None, None], tilt.sin()[..., None, None]
            u = (cosine * dx + sine * dy) / reach[:, 0, :, None, None]
            v = (cosine * dy - sine * dx) / reach[:, 1, :, None, None]
            grid = torch.stack([u, v], -1).clamp(-3, 3).to(dtype)
            own = pictures[row, thing * PARTS + part]
            views = lively.views(thing, own) if slot == 0 else None
            if views is not None:
                found = F.grid_sample(views.flatten(0, 1), grid.flatten(0, 1), mode="bilinear", padding_mode="border", align_corners=False)
                found = found.view(batch, frames, 4, size, size).transpose(1, 2)
            else:
                grid = grid.view(batch, frames * size, size, 2)
                found = F.grid_sample(own, grid, mode="bilinear", padding_mode="border", align_corners=False)
                found = found.view(batch, 4, frames, size, size)
            sharp = (_SHARPNESS * size / 2 * scale * reach.amin(1))[..., None, None]
            inside = ((u.abs() < 1) & (v.abs() < 1)).float() * there
            cover = torch.sigmoid(found[:, 3].float() * sharp) * inside
            cover = cover.to(dtype)
            layer, alpha = torch.lerp(layer, found[:, :3], cover[:, None]), torch.lerp(alpha, torch.ones_like(alpha), cover)
            labels = torch.where(cover > 0.5, (thing * PARTS + part)[:, None, None, None].to(torch.int8), labels)
        lightness = (1 - spot) * (1 - shadows.shade(thing, alpha))
        canvas = canvas * ((1 - alpha) * lightness.to(dtype))[:, None] + layer
    return canvas, labels
