"""A drawn courtyard with real parallax: ground, wall and pillars are planes in space before a
camera that moves, and somebody walks across with a cast shadow or a reflection. What is behind is
known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Layer = NDArray[np.float32]
"""float32 (h, w, 4): colour in 8-bit levels, and opacity 0 to 1."""
Point = tuple[float, float, float]
"""Metres: to the right, down, and away from the camera's first place."""
CameraPath = Literal["still", "track", "hand-held"]
Effect = Literal["none", "shadow", "reflection"]

DARK = 0.5
"""What is left of the light in the shadow."""
MIRRORED = 0.35
"""Share of the thing's picture in a floor that reflects."""
SEEN = 6.0
"""8-bit levels by which a pixel has to change to belong to the shadow or reflection."""
AWAY = 5.2
"""Metres from the camera to where the thing walks."""
HALF = 0.4
"""Half its width."""


@dataclass(frozen=True)
class CourtyardClip:
    """A drawn clip with its truth.

    Attributes:
        frames: uint8 (T, H, W, 3).
        behind: uint8 (T, H, W, 3), the same without the thing and what it casts.
        masks: bool (T, H, W), the thing.
        affected: bool (T, H, W), its shadow or reflection beside it.
    """

    frames: NDArray[np.uint8]
    behind: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    affected: NDArray[np.bool_]


@dataclass(frozen=True)
class _Camera:
    """Where the camera is, and how it projects."""

    place: Point
    turn: float
    size: tuple[int, int]

    def project(self, points: list[Point]) -> NDArray[np.float32]:
        """Points in space as pixels (N, 2)."""
        width, height = self.size
        x, y, z = (np.array(points) - self.place).T
        right, ahead = x * np.cos(self.turn) - z * np.sin(self.turn), x * np.sin(self.turn) + z * np.cos(self.turn)
        focal = 0.9 * width
        return np.stack([width / 2 + focal * right / ahead, 0.42 * height + focal * y / ahead], 1).astype(np.float32)

    def lay(self, layer: Layer, corners: list[Point]) -> Layer:
        """A layer as a plane in space, its corners clockwise from the upper left one."""
        height, width = layer.shape[:2]
        own = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        matrix = cv2.getPerspectiveTransform(own, self.project(corners))
        return np.asarray(cv2.warpPerspective(layer, matrix, self.size, flags=cv2.INTER_AREA | cv2.INTER_LINEAR), np.float32)


def draw_courtyard(
    count: int = 32,
    size: tuple[int, int] = (384, 216),
    *,
    camera: CameraPath = "track",
    effect: Effect = "shadow",
    seed: int = 0,
) -> CourtyardClip:
    """Draw a clip of the courtyard.

    Args:
        count: Frames, T.
        size: (W, H) in pixels.
        camera: Still, tracking to the side with a slight turn, or held by hand.
        effect: What the thing casts on the ground.
        seed: Of textures and hand.

    Returns:
        The clip with its truth.
    """
    random = np.random.default_rng((31, seed))
    ground, wall = _texture(random, (900, 1200), (128, 122, 108), 34), _texture(random, (300, 1200), (170, 146, 120), 22)
    for column in range(60, 1200, 150):
        wall[110:220, column : column + 60, :3] *= 0.45
    for line in range(0, 1200, 100):
        ground[:, line : line + 4, :3] *= 0.7
    pillars = [(x, _texture(random, (200, 30), colour, 18)) for x, colour in ((-1.7, (150, 150, 160)), (0.9, (120, 134, 110)))]
    thing = _walker(random)
    frames, behind, masks, affected = [], [], [], []
    for index in range(count):
        time = index / max(count - 1, 1)
        view = _Camera(*_placed(camera, time, index, random), size)
        canvas = np.full((size[1], size[0], 3), (196, 214, 232), np.float32)
        canvas = _over(canvas, view.lay(wall, [(-9, -4, 9), (9, -4, 9), (9, 0, 9), (-9, 0, 9)]))
        canvas = _over(canvas, view.lay(ground, [(-9, 0, 9), (9, 0, 9), (9, 0, 1.9), (-9, 0, 1.9)]))
        for x, pillar in pillars:
            canvas = _over(canvas, view.lay(pillar, [(x, -2.4, 7), (x + 0.5, -2.4, 7), (x + 0.5, 0, 7), (x, 0, 7)]))
        noise = random.normal(0, 1.2, canvas.shape).astype(np.float32)
        place = -1.6 + 3.2 * time
        empty = canvas
        canvas = canvas + _cast(view, thing, place, effect, canvas)
        left, right = place - HALF, place + HALF
        outline = view.lay(thing, [(left, -1.7, AWAY), (right, -1.7, AWAY), (right, 0, AWAY), (left, 0, AWAY)])
        mask = outline[..., 3] > 0.02
        affected.append((np.abs(canvas - empty).max(-1) > SEEN) & ~mask)
        behind.append(_finished(empty + noise))
        frames.append(_finished(_over(canvas, outline) + noise))
        masks.append(mask)
    return CourtyardClip(np.stack(frames), np.stack(behind), np.stack(masks), np.stack(affected))


def _placed(camera: CameraPath, time: float, index: int, random: np.random.Generator) -> tuple[Point, float]:
    if camera == "still":
        return (0, -1.5, 0), 0.0
    if camera == "track":
        return (-0.7 + 1.4 * time, -1.5, 0.2 * time), 0.08 * (time - 0.5)
    sway = 0.05 * np.sin(0.9 * index), -1.5 + 0.03 * np.cos(1.3 * index), 0.25 * time
    return sway, 0.03 * float(np.sin(0.37 * index)) + float(random.normal(0, 0.002))


def _cast(view: _Camera, thing: Layer, place: float, effect: Effect, canvas: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the thing's shadow or reflection adds to each pixel, (H, W, 3)."""
    left, right = place - HALF, place + HALF
    feet: list[Point] = [(right, 0, AWAY), (left, 0, AWAY)]
    if effect == "shadow":  # the sun is low, to the left before the camera
        corners = [(left + 1.3, 0, AWAY - 0.8), (right + 1.3, 0, AWAY - 0.8), *feet]
        dark = cv2.GaussianBlur(view.lay(thing, corners)[..., 3], (0, 0), 1.2)
        return np.asarray(canvas * (DARK - 1) * dark[..., None], np.float32)
    if effect == "reflection":
        corners = [(left, 1.7, AWAY), (right, 1.7, AWAY), *feet]
        mirrored = cv2.GaussianBlur(view.lay(thing, corners), (0, 0), 1.2)
        return np.asarray((mirrored[..., :3] - canvas) * MIRRORED * mirrored[..., 3:], np.float32)
    return np.zeros_like(canvas)


def _texture(random: np.random.Generator, shape: tuple[int, int], colour: tuple[int, int, int], strength: float) -> Layer:
    values = np.zeros((*shape, 3), np.float32)
    for sigma, share in ((2.0, 0.5), (7.0, 0.6), (28.0, 0.7)):
        noise = cv2.GaussianBlur(random.normal(0, 1, (*shape, 1)).astype(np.float32), (0, 0), sigma)
        values += share * strength * (noise / noise.std())[..., None]
    opaque = np.ones((*shape, 1), np.float32)
    return np.concatenate([np.clip(values + np.array(colour, np.float32), 0, 255), opaque], -1)


def _walker(random: np.random.Generator) -> Layer:
    """A figure with a head and a coat, 70x150."""
    layer = _texture(random, (150, 70), (196, 58, 52), 26)
    shape = np.zeros((150, 70), np.uint8)
    cv2.circle(shape, (35, 20), 17, 255, -1)
    cv2.ellipse(shape, (35, 84), (30, 52), 0, 0, 360, 255, -1)
    cv2.rectangle(shape, (16, 110), (28, 149), 255, -1)
    cv2.rectangle(shape, (42, 110), (54, 149), 255, -1)
    layer[:38, :, :3] = layer[:38, :, :3] * 0.2 + np.array((208, 160, 130), np.float32) * 0.8
    layer[..., 3] = shape / 255.0
    return layer


def _over(canvas: NDArray[np.float32], layer: Layer) -> NDArray[np.float32]:
    alpha = layer[..., 3:]
    return np.asarray(canvas * (1 - alpha) + layer[..., :3] * alpha, np.float32)


def _finished(canvas: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
