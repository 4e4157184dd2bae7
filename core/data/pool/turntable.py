"""Textured models seen from all sides: sheets of pictures with alpha, in which each picture is a
small step on from the one before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.data.pool.meshes import Floats, Mesh

VIEWS = 20
"""Pictures in a sheet, one beside the other."""
SIDE = 176
"""Pixels of a picture's side."""

_POINTS = 220_000  # that a model is drawn with, each where its triangles are
_FINE = 2  # pixels drawn for one that is kept
_MARGIN = 0.94


class _Points:
    """Points spread evenly over a model's triangles, with what is painted there."""

    def __init__(self, mesh: Mesh, rng: np.random.Generator) -> None:
        corners = mesh.vertices[0][mesh.corners]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        if not area.sum() > 0:
            raise ValueError("a model without a surface")
        which = rng.choice(len(area), _POINTS, p=area / area.sum())
        first, second = rng.random((2, _POINTS), np.float32)
        over = first + second > 1
        first, second = np.where(over, 1 - first, first), np.where(over, 1 - second, second)
        self.weights = np.stack([1 - first - second, first, second], 1)[..., None]
        self.corners = mesh.corners[which]
        uv = (mesh.uv[which] * self.weights).sum(1)
        self.colour = np.concatenate([mesh.colour[which], np.ones((_POINTS, 1), np.float32)], 1)
        for index, texture in enumerate(mesh.textures):
            worn = mesh.paint[which] == index
            height, width = texture.shape[:2]
            x = (np.mod(uv[worn, 0], 1) * width).astype(int).clip(0, width - 1)
            y = (np.mod(1 - uv[worn, 1], 1) * height).astype(int).clip(0, height - 1)
            self.colour[worn] = texture[y, x].astype(np.float32) / 255
        self.vertices = mesh.vertices
        self.solid = self.colour[:, 3] > 0.5

    def at(self, frame: int) -> tuple[Floats, Floats]:
        """Places (P, 3) and normals (P, 3) in a frame of the animation."""
        corners = self.vertices[frame][self.corners]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
        return (corners * self.weights).sum(1), normal


def turned(mesh: Mesh, rng: np.random.Generator, sweep: float | None = None) -> NDArray[np.uint8]:
    """VIEWS pictures of a model beside each other, uint8 (SIDE, VIEWS * SIDE, 4): it turns on its
    spot while its animation goes on.

    Light, height of the eye and distance are drawn.

    Args:
        mesh: the model.
        rng: draws.
        sweep: by how much it turns in all, in radians; drawn when not given.

    Returns:
        The pictures.

    Raises:
        ValueError: the model shows nothing.
    """
    points = _Points(mesh, rng)
    sweep = rng.choice([-1, 1]) * rng.uniform(0.6, 2.2) * math.pi if sweep is None else sweep
    start, tilt, distance = rng.uniform(0, 2 * math.pi), rng.uniform(-0.05, 0.45), rng.uniform(2.2, 6)
    light = np.array([rng.uniform(-1, 1), rng.uniform(0.4, 1.5), rng.uniform(0.2, 1.2)], np.float32)
    light /= np.linalg.norm(light)
    half = light + np.array([0, 0, 1], np.float32)
    ambient, shine = rng.uniform(0.35, 0.7), rng.uniform(0, 0.5)
    frames = len(mesh.vertices)
    places = [points.at(frame) for frame in range(0, frames, max(1, frames // 24))]
    everything = np.concatenate([place[points.solid][::50] for place, _ in places])
    middle = (np.quantile(everything, 0.001, axis=0) + np.quantile(everything, 0.999, axis=0)) / 2
    reach = np.quantile(np.linalg.norm(everything - middle, axis=1), 0.998)
    paces = rng.uniform(0.8, 2.5)  # rounds of the animation in a sheet
    sheet = np.zeros((SIDE, VIEWS * SIDE, 4), np.uint8)
    for view in range(VIEWS):
        place, normal = places[int(view / VIEWS * paces * len(places)) % len(places)]
        yaw = start + sweep * view / (VIEWS - 1)
        look = _rotation(yaw, tilt)
        seen = (place - middle) @ look.T / reach
        facing = normal @ look.T
        facing = np.where(facing[:, 2:] < 0, -facing, facing)
        lit = ambient + (1 - ambient) * np.clip(facing @ light, 0, 1)
        gloss = shine * np.clip(facing @ half / np.linalg.norm(half), 0, 1) ** 24
        sky = 0.5 * shine * np.clip(facing[:, 1], 0, 1) ** 2
        colour = np.clip(points.colour[:, :3] * lit[:, None] + (gloss + sky)[:, None], 0, 1)
        sheet[:, view * SIDE : (view + 1) * SIDE] = _splat(seen[points.solid], colour[points.solid], distance)
    return sheet


def _rotation(yaw: float, tilt: float) -> Floats:
    turn = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    lean = np.array([[1, 0, 0], [0, math.cos(tilt), -math.sin(tilt)], [0, math.sin(tilt), math.cos(tilt)]])
    return (lean @ turn).astype(np.float32)


def _splat(place: Floats, colour: Floats, distance: float) -> NDArray[np.uint8]:
    """Points of a model of radius 1 as a picture, uint8 (SIDE, SIDE, 4); nearer ones cover farther
    ones.
    """
    side = SIDE * _FINE
    depth = distance - place[:, 2]
    scale = _MARGIN * math.sqrt(distance * distance - 1) / depth
    x, y = (((line * scale + 1) / 2 * side).astype(np.int64) for line in (place[:, 0], -place[:, 1]))
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    pixel, depth, colour = (y * side + x)[inside], depth[inside], colour[inside]
    order = np.argsort(-depth, kind="stable")
    nearest = np.full(side * side, np.inf, np.float32)
    nearest[pixel[order]] = depth[order]  # of several values the last is kept: the nearest
    # a point of the far side is not to shine through between those of the near one
    block = nearest.reshape(side, side)
    wide = np.pad(block, 1, constant_values=np.inf)
    cover = np.stack([wide[1 + dy : side + 1 + dy, 1 + dx : side + 1 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]).min(0)
    front = depth <= cover.reshape(-1)[pixel] + 0.04
    sums = [np.bincount(pixel[front], colour[front, channel], side * side) for channel in range(3)]
    total = np.stack([*sums, np.bincount(pixel[front], minlength=side * side)], -1).reshape(side, side, 4)
    for _ in range(2):  # what no point fell on although its neighbours have some
        filled = np.pad(total, ((1, 1), (1, 1), (0, 0)))
        beside = [filled[1 + dy : side + 1 + dy, 1 + dx : side + 1 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
        neighbours = np.sum([each[..., 3] > 0 for each in beside], 0)
        total = np.where(((total[..., 3] == 0) & (neighbours >= 5))[..., None], np.sum(beside, 0), total)
    there = total[..., 3:] > 0
    fine = np.concatenate([total[..., :3] / np.maximum(total[..., 3:], 1e-6), there], -1)
    fine[..., :3] *= there
    small = fine.reshape(SIDE, _FINE, SIDE, _FINE, 4).mean((1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    return (small * 255 + 0.5).clip(0, 255).astype(np.uint8)
