"""What the example clips are painted of: sky, hills, trees, houses, a car and a ball."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from core.data.noise import octave_noise, seeded

Colour = tuple[int, int, int]


def _field(height: int, width: int, seed: int, coarsest: int = 4, finest: int = 256) -> np.ndarray:
    """Smooth random field (height, width), about unit variance."""
    with seeded(seed, "cpu"):
        field = octave_noise(1, 1, 512, "cpu", coarsest=coarsest, finest=finest)[0, 0].numpy()
    return np.asarray(Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC))


def _gradient(height: int, width: int, top: Colour, bottom: Colour) -> np.ndarray:
    ramp = np.linspace(0, 1, height)[:, None, None]
    return np.broadcast_to(np.array(top) * (1 - ramp) + np.array(bottom) * ramp, (height, width, 3)).copy()


def _picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert("RGBA")


def paint_sky(width: int, height: int, top: Colour, bottom: Colour, seed: int) -> Image.Image:
    """Paint a gradient with soft clouds that thin out upwards.

    Args:
        width: In pixels.
        height: In pixels.
        top: Colour at the top, RGB.
        bottom: Colour at the bottom.
        seed: Of the clouds.

    Returns:
        RGBA, opaque.
    """
    sky = _gradient(height, width, top, bottom)
    cloud = 1 / (1 + np.exp(-3.0 * (_field(height, width, seed, finest=64) * 0.8 + _field(height, width, seed + 1) * 0.3 - 0.4)))
    cloud *= np.linspace(0.5, 0.95, height)[:, None]
    return _picture(sky * (1 - 0.75 * cloud[..., None]) + 250 * 0.75 * cloud[..., None])


def paint_ridge(width: int, height: int, level: float, swing: float, near: Colour, far: Colour, seed: int, grain: float) -> Image.Image:
    """Paint a hill line across the picture: transparent above, shaded and grained below.

    Args:
        width: In pixels.
        height: In pixels.
        level: Of the line, as a share of the height.
        swing: How much the line rises and falls, as a share of the height.
        near: Colour at the bottom, RGB.
        far: Colour along the line.
        seed: Of line and grain.
        grain: Strength of the grain, 0 to 1.

    Returns:
        RGBA.
    """
    line = level * height + swing * height * _field(8, width, seed, coarsest=4, finest=32)[4] * 0.5
    rows = np.arange(height)[:, None]
    depth = ((rows - line) / (height * 0.6)).clip(0, 1)[..., None]
    colour = np.array(far) * (1 - depth) + np.array(near) * depth
    # Grain is finer far away and coarser near by.
    texture = _field(height, width, seed + 1, coarsest=64, finest=512) * 0.6 + _field(height, width, seed + 2, coarsest=8, finest=64) * 0.5
    values = colour * (1 + grain * texture[..., None])
    image = _picture(values)
    image.putalpha(Image.fromarray(((rows - line + 1).clip(0, 1) * 255).astype(np.uint8)))
    return image


def paint_tree(layer: Image.Image, x: float, base: float, size: float, random: np.random.Generator) -> None:
    """Paint a tree with its shadow on a layer, in place.

    Args:
        layer: RGBA.
        x: Of the trunk, in pixels.
        base: Row of its foot.
        size: Height in pixels.
        random: Places the leaves.
    """
    draw = ImageDraw.Draw(layer)
    draw.ellipse((x - size * 0.5, base - size * 0.05, x + size * 0.5, base + size * 0.07), fill=(30, 60, 25, 90))
    draw.rectangle((x - size * 0.05, base - size * 0.5, x + size * 0.05, base), fill=(88, 62, 40, 255))
    for index in range(46):
        angle, reach = random.uniform(0, 2 * math.pi), math.sqrt(random.uniform(0, 1)) * size * 0.36
        cx, cy = x + math.cos(angle) * reach, base - size * 0.72 + math.sin(angle) * reach * 0.85
        radius = size * random.uniform(0.07, 0.13)
        light = 0.55 + 0.45 * index / 46 - 0.35 * (cy - base + size * 0.72) / size + 0.1 * random.standard_normal()
        shade = tuple(int(min(max(value * light, 0), 255)) for value in (78, 138, 58))
        draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=(*shade, 255))


def paint_house(layer: Image.Image, x: int, width: int, top: int, base: int, random: np.random.Generator) -> None:
    """Paint a house front on a layer, in place.

    Args:
        layer: RGBA.
        x: Of its left side, in pixels.
        width: In pixels.
        top: Row of the eaves.
        base: Row of the street.
        random: Chooses colours and places the door.
    """
    draw = ImageDraw.Draw(layer)
    wall = np.array([(196, 122, 92), (214, 184, 140), (176, 180, 172), (150, 96, 84), (204, 164, 112), (126, 140, 152)][random.integers(6)])
    wall = wall + random.integers(-12, 12, 3)
    draw.rectangle((x, top, x + width, base), fill=(*(int(v) for v in wall), 255))
    for row in range(top, base, 10):  # courses of brick
        draw.line((x, row, x + width, row), fill=(*(int(v * 0.93) for v in wall), 255), width=1)
    roof = tuple(int(v) for v in random.integers(60, 110, 1).repeat(3) + np.array([18, 4, 0]))
    draw.polygon([(x - 8, top), (x + width + 8, top), (x + width - 14, top - 46), (x + 14, top - 46)], fill=(*roof, 255))
    columns = max(2, width // 84)
    for row in range(top + 28, base - 120, 104):
        for column in range(columns):
            left = x + (column + 0.5) * width / columns - 22
            draw.rectangle((left - 5, row - 5, left + 49, row + 69), fill=(236, 232, 222, 255))
            glass = 70 + int(random.integers(0, 60))
            draw.rectangle((left, row, left + 44, row + 64), fill=(glass, glass + 22, glass + 38, 255))
            draw.polygon([(left, row), (left + 30, row), (left, row + 46)], fill=(glass + 40, glass + 62, glass + 76, 255))
            draw.line((left + 22, row, left + 22, row + 64), fill=(236, 232, 222, 255), width=4)
            draw.rectangle((left - 8, row + 69, left + 52, row + 76), fill=(206, 200, 190, 255))
    door = x + width * random.uniform(0.3, 0.6)
    draw.rectangle((door - 30, base - 112, door + 30, base), fill=(*(int(v) for v in random.integers(40, 110, 3)), 255))
    draw.rectangle((door - 36, base - 118, door + 36, base - 110), fill=(230, 226, 216, 255))


def add_grain(layer: Image.Image, amount: float, seed: int) -> Image.Image:
    """Multiply the colours of a layer by fine noise; its outline stays.

    Args:
        layer: RGBA.
        amount: Strength, 0 to 1.
        seed: Of the noise.

    Returns:
        A new layer.
    """
    values = np.asarray(layer).astype(np.float32)
    field = (
        _field(layer.height, layer.width, seed, coarsest=64, finest=512) * 0.7
        + _field(layer.height, layer.width, seed + 1, coarsest=8) * 0.5
    )
    values[..., :3] *= 1 + amount * field[..., None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8), "RGBA")


def paint_car(size: tuple[int, int], x: float, base: float, turn: float, bob: float) -> Image.Image:
    """Paint a small estate car as seen from the side.

    Args:
        size: Of the layer, (width, height).
        x: Of its middle, in pixels.
        base: Row of the street.
        turn: Angle of the wheels, in radians.
        bob: How far the body is lowered, in pixels.

    Returns:
        A layer with the car alone, RGBA.
    """
    layer = Image.new("RGBA", size)
    draw = ImageDraw.Draw(layer)

    def at(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x + px, base + py + bob) for px, py in points]

    body = [(-168, -40), (-164, -84), (-132, -96), (-84, -142), (64, -142), (108, -98), (156, -88), (170, -66), (170, -34), (-160, -30)]
    draw.polygon(at(body), fill=(38, 92, 176, 255))
    draw.polygon(at([(-164, -58), (170, -58), (170, -34), (-160, -30)]), fill=(28, 72, 142, 255))
    draw.line(at([(-164, -84), (-132, -96), (108, -98), (156, -88)]), fill=(112, 160, 226, 255), width=4)
    for window in ([(-118, -100), (-78, -134), (-16, -134), (-16, -100)], [(-4, -100), (-4, -134), (58, -134), (92, -100)]):
        draw.polygon(at(window), fill=(40, 52, 62, 255))
        (left, low), (high_x, high), *_ = window
        draw.polygon(
            at([(high_x + 6, high + 4), (high_x + 26, high + 4), (left + 30, low - 2), (left + 10, low - 2)]), fill=(150, 176, 192, 255)
        )
    draw.line(at([(-10, -98), (-10, -36)]), fill=(22, 58, 118, 255), width=3)
    draw.rectangle([*at([(-2, -86)])[0], *at([(18, -80)])[0]], fill=(196, 206, 216, 255))
    draw.ellipse([*at([(146, -84)])[0], *at([(170, -64)])[0]], fill=(255, 244, 206, 255))
    draw.rectangle([*at([(-168, -80)])[0], *at([(-158, -60)])[0]], fill=(206, 36, 36, 255))
    for wheel in (-100, 104):
        cx, cy = x + wheel, base - 32
        draw.ellipse((cx - 42, cy - 42, cx + 42, cy + 34), fill=(20, 34, 58, 255))
        draw.ellipse((cx - 34, cy - 34, cx + 34, cy + 34), fill=(26, 26, 28, 255))
        draw.ellipse((cx - 20, cy - 20, cx + 20, cy + 20), fill=(184, 188, 194, 255))
        for spoke in range(5):
            angle = turn + spoke * 2 * math.pi / 5
            draw.line((cx, cy, cx + 19 * math.cos(angle), cy + 19 * math.sin(angle)), fill=(74, 78, 84, 255), width=6)
    return layer


def paint_beach_ball(radius: int, turn: float, squash: float) -> Image.Image:
    """Paint a shaded ball of six coloured gores.

    Args:
        radius: In pixels.
        turn: How far it has rolled, in radians.
        squash: How much it is flattened, 0 to 1.

    Returns:
        The ball alone, RGBA.
    """
    line = (np.arange(2 * radius) + 0.5) / radius - 1
    x, y = np.meshgrid(line, line)
    inside = x * x + y * y
    z = np.sqrt((1 - inside).clip(0))
    rolled_x, rolled_y = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    tilted_y, tilted_z = rolled_y * 0.75 + z * 0.66, z * 0.75 - rolled_y * 0.66
    gore = np.floor((np.arctan2(rolled_x, tilted_y) / (2 * math.pi) % 1) * 6).astype(int)
    palette = np.array([(236, 52, 46), (250, 246, 238), (36, 110, 214), (250, 246, 238), (250, 202, 40), (250, 246, 238)])
    colour = palette[gore.clip(0, 5)].astype(np.float32)
    colour[np.abs(tilted_z) > 0.965] = (250, 246, 238)
    light = (-0.5 * x - 0.68 * y + 0.54 * z).clip(0)
    gloss = (-0.28 * x - 0.38 * y + 0.88 * z).clip(0) ** 50
    values = colour * (0.42 + 0.66 * light[..., None]) + 130 * gloss[..., None]
    image = Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert("RGBA")
    image.putalpha(Image.fromarray((((1 - np.sqrt(inside)) * radius + 0.5).clip(0, 1) * 255).astype(np.uint8)))
    return image.resize((int(2 * radius * (1 + squash * 0.5)), int(2 * radius * (1 - squash))), Image.Resampling.LANCZOS)
