"""Backgrounds, cut-outs and emoji from unpacked packages."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.pool.packages import PACKAGES
from core.pictures import open_picture

_SHORTER, _LEAST, _WIDEST = 660, 300, 2.2  # sides of a background in pixels, and its width to its height at most
_SIDE = 224
_EMOJI = 900
_NO_PHOTOGRAPHS = ("cartoon", "symbols", "roadsigns", "flags", "naturalforces", "space", "toys", "plastic")
_ONLY = {"opencv-doc": "examples/data", "stellarium-data": "landscapes", "python3-skimage": "skimage/data"}  # folders with photographs
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_ALBUMS = ("erase", "details", "explore_farm_animals", "explore_monuments", "explore_world_animals", "explore_world_music")
_STARTS = re.compile(rb"RIFF....WEBP|\xff\xd8\xff[\xe0\xe1\xdb]", re.DOTALL)


def draw(unpacked: Path, folder: Path) -> dict[str, int]:
    """Write `folder`/bg, cut and emoji from the packages unpacked in `unpacked`/NAME; returns how
    many there are of each.
    """
    counts = {}
    for kind, made in (("bg", _backgrounds(unpacked)), ("cut", _cutouts(unpacked)), ("emoji", _emoji(unpacked))):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        counts[kind] = 0
        for name, picture in made:
            picture.save(folder / kind / f"{name}.webp", quality=80)
            counts[kind] += 1
    return counts


def _backgrounds(unpacked: Path) -> Iterator[tuple[str, Image.Image]]:
    for package in (package for package in PACKAGES if package.kind == "bg"):
        home = unpacked / package.name
        pictures = _album(home) if package.name.startswith("gcompris") else _files(home, _ONLY.get(package.name, ""))
        for number, picture in enumerate(pictures):
            width, height = picture.size
            picture = picture.crop((0, 0, min(width, int(_WIDEST * height)), height))
            scale = min(1.0, _SHORTER / min(picture.size))
            yield f"{package.name}-{number:03}", picture.resize((round(picture.width * scale), round(picture.height * scale)))


def _files(folder: Path, within: str) -> Iterator[Image.Image]:
    """Coloured pictures without alpha whose path has `within` in it. Of a folder that has one
    picture in several sizes, only the largest.
    """
    best: dict[object, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _PICTURES or path.is_symlink() or within not in path.as_posix():
            continue
        key = path.parent if re.fullmatch(r"\d+x\d+", path.stem) else path
        if key not in best or path.stat().st_size > best[key].stat().st_size:
            best[key] = path
    for path in best.values():
        try:
            picture = open_picture(path)
            picture.load()
        except OSError:  # some samples are broken on purpose
            continue
        if picture.mode == "RGB" and min(picture.size) >= _LEAST:
            yield picture


def _album(folder: Path) -> Iterator[Image.Image]:
    """Photographs in the resource files of GCompris, which hold them as they are."""
    for album in _ALBUMS:
        for path in sorted(folder.rglob(f"{album}.rcc")):
            data = path.read_bytes()
            for start in _STARTS.finditer(data):
                try:
                    picture = open_picture(io.BytesIO(data[start.start() : start.start() + 4_000_000]))
                    picture.load()
                except OSError:
                    continue
                if picture.mode == "RGB" and min(picture.size) >= _LEAST:
                    yield picture


def _cutouts(unpacked: Path) -> Iterator[tuple[str, Image.Image]]:
    home = unpacked / "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
    for path in sorted(home.rglob("*.png")):
        if any(part in _NO_PHOTOGRAPHS for part in path.relative_to(home).parts):
            continue
        picture = open_picture(path).convert("RGBA")
        alpha = np.asarray(picture.getchannel("A"))
        if min(picture.size) >= 60 and 0.03 < (alpha > 128).mean() < 0.97:
            yield "-".join(path.relative_to(home).with_suffix("").parts), _fitted(picture)


def _emoji(unpacked: Path) -> Iterator[tuple[str, Image.Image]]:
    """Bitmaps of the font's colour table, evenly spread over it."""
    from fontTools.ttLib import TTFont  # only this command needs it

    font = TTFont(next((unpacked / "fonts-noto-color-emoji").rglob("NotoColorEmoji.ttf")))
    glyphs = sorted(font["CBDT"].strikeData[0].items())
    for name, glyph in glyphs[:: max(1, len(glyphs) // _EMOJI)][:_EMOJI]:
        yield name, _fitted(open_picture(io.BytesIO(glyph.imageData)).convert("RGBA"))


def _fitted(picture: Image.Image) -> Image.Image:
    """A cut-out without its clear border, no larger than `_SIDE`."""
    picture = picture.crop(picture.getchannel("A").getbbox() or (0, 0, 1, 1))
    scale = min(1.0, _SIDE / max(picture.size))
    return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
