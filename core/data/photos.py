"""Pictures of real things from a folder that `python3 -m core.data.pool` makes: backgrounds,
cut-outs, emoji and models in the round.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.pictures import open_picture

Pictures = NDArray[np.uint8]

SIDE = 176
"""Pixels of a cut-out's side."""
_HELD_OUT = 10  # one of so many pictures is for validation
_MARGIN = 4
_BLEED = 9  # pixels around a cut-out that get its colours, so that no edge is mixed with what lay behind it


@dataclass(frozen=True)
class Photos:
    """Backgrounds uint8 (H, W, 3) of any size; cut-outs and emoji uint8 (N, SIDE, SIDE, 4); sheets
    of things that turn (N, views, SIDE, SIDE, 4).
    """

    backgrounds: list[Pictures]
    cutouts: Pictures
    emoji: Pictures
    turning: Pictures


def read_photos(folder: Path, held_out: bool) -> Photos:
    """One of ten pictures of each kind when `held_out`, else the rest.

    InputError when the folder lacks a kind.
    """
    with ThreadPoolExecutor(16) as pool:
        found = {}
        for kind, pattern in (("bg", "*"), ("cut", "*.webp"), ("emoji", "*.webp"), ("turn", "*.webp")):
            paths = _kept(sorted((folder / kind).glob(pattern)), held_out)
            if not paths:
                raise InputError(f"{folder} has no pictures in {kind}: make them with python3 -m core.data.pool {folder}")
            found[kind] = list(pool.map(_background if kind == "bg" else _sheet if kind == "turn" else _cutout, paths))
    return Photos(found["bg"], *(np.stack(found[kind]) for kind in ("cut", "emoji", "turn")))


def _kept(paths: list[Path], held_out: bool) -> list[Path]:
    """Sheets of the same model stay together."""
    groups = sorted({_model(path) for path in paths})
    chosen = {group for index, group in enumerate(groups) if (index % _HELD_OUT == 0) == held_out}
    return [path for path in paths if _model(path) in chosen]


def _model(path: Path) -> str:
    return path.stem.rpartition("-")[0] if path.parent.name == "turn" else path.stem


def _background(path: Path) -> Pictures:
    return np.asarray(open_picture(path).convert("RGB"))


def _cutout(path: Path) -> Pictures:
    picture = open_picture(path).convert("RGBA")
    picture = picture.crop(picture.getchannel("A").getbbox() or (0, 0, 1, 1))
    scale = (SIDE - 2 * _MARGIN) / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    whole = np.zeros((SIDE, SIDE, 4), np.uint8)
    x, y = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    whole[y : y + size[1], x : x + size[0]] = np.asarray(picture.resize(size))
    return _bled(whole[None])[0]


def _sheet(path: Path) -> Pictures:
    sheet = np.asarray(open_picture(path).convert("RGBA"))
    side = sheet.shape[0]
    views: Iterable[Pictures] = (sheet[:, at : at + side] for at in range(0, sheet.shape[1], side))
    return _bled(np.stack([cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_AREA) if side != SIDE else view for view in views]))


def _bled(pictures: Pictures) -> Pictures:
    """Pictures (N, S, S, 4) whose clear pixels have the colour of the nearest part of the thing."""
    bled = pictures.copy()
    for picture in bled:
        solid = (picture[..., 3:] > 200).astype(np.float32)
        near = cv2.boxFilter(picture[..., :3].astype(np.float32) * solid, -1, (_BLEED, _BLEED), normalize=False)
        count = cv2.boxFilter(solid, -1, (_BLEED, _BLEED), normalize=False)[..., None]
        colour = np.where(count > 0, near / np.maximum(count, 1), picture[..., :3])
        picture[..., :3] = np.where(solid > 0, picture[..., :3], colour)
    return bled
