"""The example clips that ship, drawn from nothing; `scripts.draw_examples` writes them.

Each clip is 640x360, H.264, with the mask of its one moving thing as a folder of PNGs. Everything is drawn at twice the size and reduced,
so that edges are smooth; layers at several depths slide past as the camera moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from core.data.noise import octave_noise, seeded

WIDTH, HEIGHT = 640, 360
SCALE = 2
AUDIO_RATE = 48_000
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Example:
    """Frames uint8 (T, H, W, 3), the thing's mask bool (T, H, W), frames a second, and sound (mono, -1 to 1) or None."""

    frames: np.ndarray
    masks: np.ndarray
    rate: int
    sound: np.ndarray | None = None


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


def _sky(width: int, height: int, top: Colour, bottom: Colour, seed: int) -> Image.Image:
    """A gradient with soft clouds that thin out upwards."""
    sky = _gradient(height, width, top, bottom)
    cloud = 1 / (1 + np.exp(-3.0 * (_field(height, width, seed, finest=64) * 0.8 + _field(height, width, seed + 1) * 0.3 - 0.4)))
    cloud *= np.linspace(0.5, 0.95, height)[:, None]
    return _picture(sky * (1 - 0.75 * cloud[..., None]) + 250 * 0.75 * cloud[..., None])


def _ridge(width: int, height: int, level: float, swing: float, near: Colour, far: Colour, seed: int, grain: float) -> Image.Image:
    """A hill line across the picture: transparent above, shaded and grained below."""
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


def _tree(layer: Image.Image, x: float, base: float, size: float, random: np.random.Generator) -> None:
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


def _house(layer: Image.Image, x: int, width: int, top: int, base: int, random: np.random.Generator) -> None:
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


def _grained(layer: Image.Image, amount: float, seed: int) -> Image.Image:
    """Multiply a layer's colours by fine noise; its outline stays."""
    values = np.asarray(layer).astype(np.float32)
    field = (
        _field(layer.height, layer.width, seed, coarsest=64, finest=512) * 0.7
        + _field(layer.height, layer.width, seed + 1, coarsest=8) * 0.5
    )
    values[..., :3] *= 1 + amount * field[..., None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8), "RGBA")


def _car(size: tuple[int, int], x: float, base: float, turn: float, bob: float) -> Image.Image:
    """A small estate car seen from the side, wheels turned by `turn` radians."""
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


def _beach_ball(radius: int, turn: float, squash: float) -> Image.Image:
    """A shaded ball of six coloured gores, rolled by `turn` radians."""
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


def _window(layer: Image.Image, shift: float) -> Image.Image:
    """The part of a wide layer that the camera sees when it has moved by `shift` pixels there."""
    return layer.transform((WIDTH * SCALE, HEIGHT * SCALE), Image.Transform.AFFINE, (1, 0, shift, 0, 1, 0), Image.Resampling.BILINEAR)


def _finish(canvas: Image.Image, thing: Image.Image, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Put the thing on the canvas, reduce both, add a trace of grain: frame and mask."""
    canvas.alpha_composite(thing)
    frame = np.asarray(canvas.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BOX)).astype(np.float32)
    frame += random.normal(0, 1.6, (HEIGHT, WIDTH, 1))
    mask = np.asarray(thing.getchannel("A").resize((WIDTH, HEIGHT), Image.Resampling.BOX)) > 127
    return frame.clip(0, 255).astype(np.uint8), mask


def street(count: int = 60) -> Example:
    """A blue car drives along a street of houses while the camera follows it slowly."""
    random = np.random.default_rng(7)
    width, height = WIDTH * SCALE + 400, HEIGHT * SCALE
    sky = _sky(width, height, (96, 150, 214), (222, 232, 240), 11)
    hills = _ridge(width, height, 0.42, 0.1, (92, 118, 112), (150, 172, 184), 21, 0.05)
    houses = Image.new("RGBA", (width, height))
    x = -30
    while x < width:
        wide = int(random.integers(180, 330))
        _house(houses, x, wide, int(random.integers(110, 210)), 512, random)
        x += wide + int(random.integers(0, 2)) * int(random.integers(30, 70))
    houses = _grained(houses, 0.05, 31)
    road = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(road)
    draw.rectangle((0, 508, width, 556), fill=(168, 164, 158, 255))
    for slab in range(0, width, 70):
        draw.line((slab, 508, slab - 24, 556), fill=(146, 142, 136, 255), width=2)
    draw.rectangle((0, 556, width, 568), fill=(128, 124, 120, 255))
    draw.rectangle((0, 568, width, height), fill=(74, 76, 80, 255))
    for dash in range(0, width, 210):
        draw.polygon([(dash, 646), (dash + 108, 646), (dash + 100, 658), (dash - 8, 658)], fill=(226, 222, 206, 255))
    for lamp in range(90, width, 420):
        draw.rectangle((lamp - 4, 250, lamp + 4, 540), fill=(54, 60, 60, 255))
        draw.line((lamp, 254, lamp + 58, 240), fill=(54, 60, 60, 255), width=6)
        draw.ellipse((lamp + 44, 234, lamp + 82, 250), fill=(250, 240, 208, 255))
    road = _grained(road, 0.09, 41)
    frames, masks = [], []
    for index in range(count):
        time = index / (count - 1)
        camera = 300 * (time * time * (3 - 2 * time))
        canvas = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE))
        for layer, depth in ((sky, 0.1), (hills, 0.25), (houses, 0.75), (road, 1.0)):
            canvas.alpha_composite(_window(layer, camera * depth))
        place = 260 + 700 * time
        shadow = Image.new("RGBA", canvas.size)
        ImageDraw.Draw(shadow).ellipse((place - 176, 612, place + 180, 644), fill=(10, 12, 16, 170))
        canvas.alpha_composite(shadow.filter(ImageFilter.GaussianBlur(8)))
        car = _car(canvas.size, place, 632, (place + camera) / 34, 1.5 * math.sin(index * 0.9))
        frame, mask = _finish(canvas, car, random)
        frames.append(frame)
        masks.append(mask)
    return Example(np.stack(frames), np.stack(masks), 30)


def meadow(count: int = 72) -> Example:
    """A beach ball bounces across a meadow; every bounce is heard."""
    random, rate = np.random.default_rng(5), 30
    width, height = WIDTH * SCALE + 200, HEIGHT * SCALE
    sky = _sky(width, height, (70, 132, 210), (226, 236, 244), 51)
    mountains = _ridge(width, height, 0.46, 0.16, (104, 128, 150), (172, 188, 206), 61, 0.06)
    hills = _ridge(width, height, 0.58, 0.08, (72, 120, 66), (122, 154, 104), 71, 0.10)
    for _ in range(16):
        _tree(hills, random.uniform(0, width), height * random.uniform(0.60, 0.66), random.uniform(60, 110), random)
    grass = _ridge(width, height, 0.70, 0.03, (66, 128, 40), (118, 166, 72), 81, 0.16)
    flowers = ImageDraw.Draw(grass)
    for _ in range(420):
        down = random.uniform(0.74, 1.0)
        fx, fy, size = random.uniform(0, width), height * down, 1 + 4 * (down - 0.7) / 0.3 * random.uniform(0.6, 1.2)
        flowers.ellipse(
            (fx - size, fy - size, fx + size, fy + size),
            fill=[(250, 244, 236, 255), (248, 212, 66, 255), (226, 108, 142, 255)][random.integers(3)],
        )
    _tree(grass, width * 0.84, height * 0.80, 330, random)
    radius, floor = 62, 610
    frames, masks, bounces = [], [], []
    gravity, rise, up, place = 1.55, 250.0, 0.0, -20.0
    speed_up = 0.0
    up = rise
    squash = 0.0
    for index in range(count):
        camera = 90 * (0.5 - 0.5 * math.cos(math.pi * index / (count - 1)))
        canvas = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE))
        for layer, depth in ((sky, 0.1), (mountains, 0.25), (hills, 0.5), (grass, 1.0)):
            canvas.alpha_composite(_window(layer, camera * depth))
        speed_up -= gravity
        up += speed_up
        squash *= 0.45
        if up < 0:
            up, speed_up, squash = -up * 0.8, -speed_up * 0.86, 0.22
            bounces.append(index / rate)
        x = 170 + place
        place += 13.0
        low = 1 - min(up / rise, 1)
        shadow = Image.new("RGBA", canvas.size)
        reach = radius * (0.75 + 0.35 * (1 - low))
        ImageDraw.Draw(shadow).ellipse((x - reach + 18, floor - 11, x + reach + 18, floor + 13), fill=(16, 36, 10, int(70 + 90 * low)))
        canvas.alpha_composite(shadow.filter(ImageFilter.GaussianBlur(4 + 8 * (1 - low))))
        ball = _beach_ball(radius, 0.13 * index, squash)
        thing = Image.new("RGBA", canvas.size)
        thing.alpha_composite(ball, (int(x - ball.width / 2), int(floor - up - ball.height)))
        frame, mask = _finish(canvas, thing, random)
        frames.append(frame)
        masks.append(mask)
    time = np.arange(int(count / rate * AUDIO_RATE)) / AUDIO_RATE
    sound = 0.02 * np.sin(2 * math.pi * 220 * time) * np.sin(2 * math.pi * 0.4 * time)
    for hit in bounces:
        after = (time - hit).clip(0)
        sound += 0.7 * np.where(time >= hit, np.exp(-after * 22) * np.sin(2 * math.pi * (150 * after + 18 * (1 - np.exp(-after * 30)))), 0)
    return Example(np.stack(frames), np.stack(masks), rate, sound.clip(-1, 1).astype(np.float32))


EXAMPLES = {"street": street, "meadow": meadow}


def _audio_frames(sound: np.ndarray, size: int = 1024) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound), size):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + size], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        yield frame


def write(example: Example, path: Path) -> None:
    """`path` (mp4: H.264, yuv420p, BT.709, and AAC when there is sound) and beside it the folder `<name>_masks` of 1-bit PNGs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=example.rate, options={"crf": "17", "preset": "slow"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        codec = video.codec_context
        codec.color_primaries = codec.color_trc = codec.colorspace = 1
        codec.color_range = 1
        audio = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if example.sound is not None else None
        for frame in example.frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p", dst_colorspace="ITU709")
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if audio is not None and example.sound is not None:
            for sound in _audio_frames(example.sound):
                container.mux(audio.encode(sound))
            container.mux(audio.encode(None))
    folder = path.with_name(f"{path.stem}_masks")
    folder.mkdir(exist_ok=True)
    for index, mask in enumerate(example.masks):
        Image.fromarray(mask).save(folder / f"{index:05d}.png", optimize=True)
