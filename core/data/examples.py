"""The example clips that ship, drawn from nothing; `scripts.draw_examples` writes them.

Each clip is 640x360, H.264, with the mask of its one moving thing as a folder of PNGs. Everything
is drawn at twice the size and reduced, so that edges are smooth; layers at several depths slide
past as the camera moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from core.data.example_parts import add_grain, paint_beach_ball, paint_car, paint_house, paint_ridge, paint_sky, paint_tree

WIDTH, HEIGHT = 640, 360
SCALE = 2
AUDIO_RATE = 48_000


@dataclass(frozen=True)
class ExampleClip:
    """Frames uint8 (T, H, W, 3), the thing's mask bool (T, H, W), frames a second, and sound (mono,
    -1 to 1) or None."""

    frames: np.ndarray
    masks: np.ndarray
    rate: int
    sound: np.ndarray | None = None


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


def street(count: int = 60) -> ExampleClip:
    """A blue car drives along a street of houses while the camera follows it slowly."""
    random = np.random.default_rng(7)
    width, height = WIDTH * SCALE + 400, HEIGHT * SCALE
    sky = paint_sky(width, height, (96, 150, 214), (222, 232, 240), 11)
    hills = paint_ridge(width, height, 0.42, 0.1, (92, 118, 112), (150, 172, 184), 21, 0.05)
    houses = Image.new("RGBA", (width, height))
    x = -30
    while x < width:
        wide = int(random.integers(180, 330))
        paint_house(houses, x, wide, int(random.integers(110, 210)), 512, random)
        x += wide + int(random.integers(0, 2)) * int(random.integers(30, 70))
    houses = add_grain(houses, 0.05, 31)
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
    road = add_grain(road, 0.09, 41)
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
        car = paint_car(canvas.size, place, 632, (place + camera) / 34, 1.5 * math.sin(index * 0.9))
        frame, mask = _finish(canvas, car, random)
        frames.append(frame)
        masks.append(mask)
    return ExampleClip(np.stack(frames), np.stack(masks), 30)


def meadow(count: int = 72) -> ExampleClip:
    """A beach ball bounces across a meadow; every bounce is heard."""
    random, rate = np.random.default_rng(5), 30
    width, height = WIDTH * SCALE + 200, HEIGHT * SCALE
    sky = paint_sky(width, height, (70, 132, 210), (226, 236, 244), 51)
    mountains = paint_ridge(width, height, 0.46, 0.16, (104, 128, 150), (172, 188, 206), 61, 0.06)
    hills = paint_ridge(width, height, 0.58, 0.08, (72, 120, 66), (122, 154, 104), 71, 0.10)
    for _ in range(16):
        paint_tree(hills, random.uniform(0, width), height * random.uniform(0.60, 0.66), random.uniform(60, 110), random)
    grass = paint_ridge(width, height, 0.70, 0.03, (66, 128, 40), (118, 166, 72), 81, 0.16)
    flowers = ImageDraw.Draw(grass)
    for _ in range(420):
        down = random.uniform(0.74, 1.0)
        fx, fy, size = random.uniform(0, width), height * down, 1 + 4 * (down - 0.7) / 0.3 * random.uniform(0.6, 1.2)
        flowers.ellipse(
            (fx - size, fy - size, fx + size, fy + size),
            fill=[(250, 244, 236, 255), (248, 212, 66, 255), (226, 108, 142, 255)][random.integers(3)],
        )
    paint_tree(grass, width * 0.84, height * 0.80, 330, random)
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
        ball = paint_beach_ball(radius, 0.13 * index, squash)
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
    return ExampleClip(np.stack(frames), np.stack(masks), rate, sound.clip(-1, 1).astype(np.float32))


EXAMPLES = {"street": street, "meadow": meadow}


def _audio_frames(sound: np.ndarray, size: int = 1024) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound), size):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + size], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        yield frame


def write(example: ExampleClip, path: Path) -> None:
    """`path` (mp4: H.264, yuv420p, BT.709, and AAC when there is sound) and beside it the folder
    `<name>_masks` of 1-bit PNGs."""
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
