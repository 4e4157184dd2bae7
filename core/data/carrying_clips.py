"""Drawn clips of one thing that moves, whose own surface is known: what a change of it looks like
on every frame is drawn, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Frames = NDArray[np.uint8]
Masks = NDArray[np.bool_]

WIDTH, HEIGHT, SCALE = 480, 270, 2
SURFACE = 1024
"""Pixels a side of a thing's surface."""


@dataclass(frozen=True)
class CarryingClip:
    """A drawn clip.

    Attributes:
        name: What it shows.
        frames: uint8 (T, H, W, 3).
        masks: bool (T, H, W), the thing where it is seen.
        changed: By name of a change the frames with it, uint8 (T, H, W, 3).
    """

    name: str
    frames: Frames
    masks: Masks
    changed: dict[str, Frames]


Seen = tuple[Floats, Floats, Floats, NDArray[np.bool_]]
Surface = Callable[[float, Floats, Floats], Seen]
"""At a time from 0 to 1 and for pixels (x, y) in heights of the picture from its middle: the place
(u, v) on the surface, 0 to 1, the light there, and whether the pixel is the thing."""


def carrying_clips(count: int, clips: int | None = None) -> Iterator[CarryingClip]:
    """Draw the clips.

    Args:
        count: Frames of each.
        clips: How many of THINGS, the first ones; None for all.

    Yields:
        The clips: a ball that turns, a board that tilts behind a pole, cloth that waves.
    """
    for name in list(THINGS)[:clips]:
        yield carrying_clip(name, count)


def carrying_clip(name: str, count: int) -> CarryingClip:
    """Draw one of THINGS over so many frames."""
    return _drawn(name, count, 31 + list(THINGS).index(name))


def _turning_ball(time: float, x: Floats, y: Floats) -> Seen:
    """A ball that turns by 40 degrees to each side while it comes nearer."""
    swing = np.sin(2 * np.pi * time)
    radius = 0.27 + 0.05 * np.sin(np.pi * time)
    across, down = (x - 0.25 * swing) / radius, (y + 0.04 * np.cos(2 * np.pi * time)) / radius
    inside = across**2 + down**2
    depth = np.sqrt(np.maximum(1 - inside, 0))
    turn = 0.7 * swing
    side, front = across * np.cos(turn) - depth * np.sin(turn), across * np.sin(turn) + depth * np.cos(turn)
    u = np.arctan2(side, front) / (2 * np.pi) + 0.5
    v = np.arcsin(np.clip(down, -1, 1)) / np.pi + 0.5
    light = 0.45 + 0.6 * np.maximum(-0.4 * across - 0.5 * down + 0.77 * depth, 0)
    return u, v, light, inside < 1


def _tilting_board(time: float, x: Floats, y: Floats) -> Seen:
    """A board that turns about two axes as it goes past."""
    yaw, roll = 0.75 * np.sin(2 * np.pi * time), 0.25 * np.sin(3 * np.pi * time)
    x, y = x + 0.22 - 0.44 * (0.5 - 0.5 * np.cos(2 * np.pi * time)), y
    own_x, own_y = x * np.cos(roll) + y * np.sin(roll), y * np.cos(roll) - x * np.sin(roll)
    # A plane that is turned about the upright axis, two heights of the picture away.
    depth = 2 / (2 * np.cos(yaw) - own_x * np.sin(yaw))
    u, v = own_x * depth / 0.8 + 0.5, own_y * depth * np.cos(yaw) / 0.5 + 0.5
    return u, v, np.full_like(u, 0.75 + 0.25 * np.cos(yaw - 0.4)), (np.abs(u - 0.5) < 0.5) & (np.abs(v - 0.5) < 0.5)


def _waving_cloth(time: float, x: Floats, y: Floats) -> Seen:
    """A sheet of cloth with waves that run through it."""
    phase = 4 * np.pi * time
    x, y = x - 0.12 * np.sin(2 * np.pi * time), y
    u = x / 0.85 + 0.5 + 0.015 * np.sin(9 * y + phase)
    v = y / 0.55 + 0.5 + 0.03 * np.sin(7 * x - phase)
    light = 0.85 + 0.2 * np.cos(7 * x - phase)
    return u, v, light, (np.abs(u - 0.5) < 0.5) & (np.abs(v - 0.5) < 0.5)


THINGS: dict[str, Surface] = {"turning ball": _turning_ball, "tilting board": _tilting_board, "waving cloth": _waving_cloth}
OCCLUDED = ("tilting board",)
"""Things that a pole in front of them hides in part."""


def _drawn(name: str, count: int, seed: int) -> CarryingClip:
    random = np.random.default_rng(seed)
    surface = _speckled(random, SURFACE, SURFACE, (150, 140, 118), 46)
    surfaces = {"": surface, **{change: painted(surface) for change, painted in CHANGES.items()}}
    ground = [_speckled(random, HEIGHT * SCALE, 2 * WIDTH * SCALE, colour, 40) for colour in ((96, 118, 134), (104, 122, 84))]
    rows, columns = np.mgrid[: HEIGHT * SCALE, : WIDTH * SCALE].astype(np.float32)
    x, y = (columns + 0.5) / (HEIGHT * SCALE) - WIDTH / HEIGHT / 2, (rows + 0.5) / (HEIGHT * SCALE) - 0.5
    pictures: dict[str, list[NDArray[np.uint8]]] = {change: [] for change in surfaces}
    masks = []
    for index in range(count):
        # As fast in a long clip as in a short one.
        time = index / 48 * 0.5
        pan = 90 * SCALE * (0.5 - 0.5 * np.cos(2 * np.pi * time))
        far, near = (_window(layer, columns, rows, 0.3 * pan if layer is ground[0] else pan) for layer in ground)
        behind = np.where((y > 0.12 + 0.02 * np.sin(9 * x))[..., None], near, far)
        u, v, light, shown = THINGS[name](time, x, y)
        front = np.zeros(shown.shape, bool)
        if name in OCCLUDED:
            front = np.abs(x + 0.05 - 0.35 * np.sin(2 * np.pi * time + 1)) < 0.035
        seen = shown & ~front
        grain = random.normal(0, 1.6, (HEIGHT, WIDTH, 1))
        base = np.where(front[..., None], np.array((62, 58, 54), np.float32), behind).astype(np.float32)
        small = cv2.resize(base, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        box = _even_box(shown)
        large = tuple(slice(side.start * SCALE, side.stop * SCALE) for side in box)
        across, down = (np.asarray(np.clip(each[large], 0, 1) * (SURFACE - 1), np.float32) for each in (u, v))
        for change, picture in surfaces.items():
            thing = cv2.remap(picture, across, down, cv2.INTER_LINEAR) * np.asarray(light[large], np.float32)[..., None]
            part = np.where(seen[large][..., None], thing, base[large]).astype(np.float32)
            whole = small.copy()
            whole[box] = cv2.resize(part, whole[box].shape[1::-1], interpolation=cv2.INTER_AREA)
            pictures[change].append(np.clip(whole + grain, 0, 255).astype(np.uint8))
        masks.append(cv2.resize(seen.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) > 0.5)
    drawn = {change: np.stack(frames) for change, frames in pictures.items()}
    return CarryingClip(name, drawn.pop(""), np.stack(masks), drawn)


def _even_box(shown: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the small picture that hold what is shown in the large one."""
    rows, columns = (np.flatnonzero(shown.any(axis)) for axis in (1, 0))
    return tuple(slice(line[0] // SCALE, line[-1] // SCALE + 1) for line in (rows, columns))  # type: ignore[return-value]


def _speckled(random: np.random.Generator, height: int, width: int, colour: tuple[int, int, int], swing: float) -> Floats:
    """A surface (height, width, 3) with spots of all sizes around a colour."""
    noise = np.zeros((height, width, 3), np.float32)
    for size in (6, 14, 32, 72, 160):
        shape = (max(2, round(size * height / max(height, width))), max(2, round(size * width / max(height, width))))
        spots = random.normal(0, 1, (*shape, 1)) + 0.35 * random.normal(0, 1, (*shape, 3))
        noise += cv2.resize(spots.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC) * size**-0.3
    return np.clip(np.array(colour, np.float32) + swing * noise, 0, 255).astype(np.float32)


def _window(layer: Floats, columns: Floats, rows: Floats, shift: float) -> Floats:
    return np.asarray(cv2.remap(layer, columns + np.float32(shift), rows, cv2.INTER_LINEAR), np.float32)


def _recoloured(surface: Floats) -> Floats:
    light = surface.mean(-1, keepdims=True)
    return np.concatenate([np.clip(light * 1.4 + 30, 0, 255), light * 0.45, light * 0.4], -1).astype(np.float32)


def _striped(surface: Floats) -> Floats:
    rows, columns = np.mgrid[:SURFACE, :SURFACE]
    return np.where((((rows + columns) // 48) % 2 == 0)[..., None], 0.35 * surface + np.array((150, 130, 20), np.float32), surface)


def _checked(surface: Floats) -> Floats:
    rows, columns = np.mgrid[:SURFACE, :SURFACE]
    return np.where((((rows // 64) + (columns // 64)) % 2 == 0)[..., None], surface * np.float32(0.4), surface)


def _with_sign(surface: Floats) -> Floats:
    sign = surface.astype(np.uint8)
    cv2.rectangle(sign, (400, 400), (624, 624), (236, 232, 222), -1)
    cv2.putText(sign, "VIVID", (412, 536), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (30, 40, 150), 12)
    return sign.astype(np.float32)


CHANGES: dict[str, Callable[[Floats], Floats]] = {
    "recoloured": _recoloured,
    "striped": _striped,
    "checked": _checked,
    "with a sign": _with_sign,
}
TEXTURES = ("striped", "checked", "with a sign")
"""Changes that bring new structure."""
