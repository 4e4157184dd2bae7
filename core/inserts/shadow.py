"""The shadow under an insert: where it falls, how soft it is there, and how the shadows of the shot
fall.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.affected import affected_on
from core.geometry import Box
from core.inserts.picture import corner_motion, lay, moved_corners, Picture
from core.masks import bounding_box
from core.project.inserts import area_of, CastShadow, LEAST_AREA, MOST_LENGTH

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
Corners = NDArray[np.float64]

WIDEST = 0.16
"""Of an insert's size: the blur of a shadow of softness 1 where it is farthest."""
SHARPEST = 0.12
"""Share of that blur that it has where it begins."""
FADES = 0.4
"""How much fainter a shadow is where it ends than where it begins."""
SEEN = 2 / 255
"""How dark a pixel becomes from which on it is the shadow's."""
LEAST_SEEN = 60
"""Pixels of a shadow in the shot that tell how shadows fall."""
BELOW = 0.2
"""Of a thing's height: a shadow whose middle is so near its foot falls straight down."""


class Frames(Protocol):
    """Frames on demand."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Frame: ...

    def frames(self, start: int, stop: int) -> Iterable[Frame]: ...


class Things(Protocol):
    """Masks of the objects on demand."""

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> Mask: ...

    def is_empty(self, frame: int) -> bool: ...


def lay_shadow(picture: Picture, corners: Corners, shadow: CastShadow, size: tuple[int, int]) -> tuple[Box[int], Floats] | None:
    """Lay the shadow of a picture on a frame.

    Args:
        picture: uint8 (h, w, 4).
        corners: (4, 2), where its corners lie, in source pixels.
        shadow: How it falls.
        size: (W, H) of the frame.

    Returns:
        The part of the frame that it falls on, and how dark it is there, (h, w) in [0, 1]; None
        where it falls on nothing.
    """
    tall, there = _fallen(picture, corners, shadow)
    if there is None:
        return None
    blur = max(WIDEST * shadow.softness * tall, 0.6)
    around = int(np.ceil(3 * blur)) + 2
    height = np.linspace(255, 0, tall_rows := max(2, min(picture.shape[0], 256))).astype(np.uint8)
    shape = np.asarray(cv2.resize(picture[..., 3], (min(picture.shape[1], 512), tall_rows), interpolation=cv2.INTER_AREA), np.uint8)
    whole = np.dstack([np.broadcast_to(height[:, None], shape.shape)] * 3 + [shape]).astype(np.uint8)
    laid = lay(whole, there + around, (size[0] + 2 * around, size[1] + 2 * around))
    if laid is None:
        return None
    grown = laid.box.grow(around, (size[1] + 2 * around, size[0] + 2 * around))
    alpha, far = (np.zeros(grown.shape, np.float32) for _ in range(2))
    inner = laid.box.moved(-grown.x0, -grown.y0).slices
    alpha[inner] = laid.alpha
    far[inner] = laid.alpha * laid.colours[..., 0] / 255
    amount = _softened(alpha, far, blur, shadow.stands) * shadow.strength
    box = grown.moved(-around, -around)
    clipped = Box(max(box.x0, 0), max(box.y0, 0), min(box.x1, size[0]), min(box.y1, size[1]))
    if clipped.is_empty:
        return None
    amount = clipped.moved(-box.x0, -box.y0).crop(amount)
    return clipped, np.where(amount > SEEN, amount, 0).astype(np.float32)


def _fallen(picture: Picture, corners: Corners, shadow: CastShadow) -> tuple[float, Corners | None]:
    """How tall an insert is on the frame, in pixels, and where the corners of its shadow lie; None
    where that has no room.
    """
    seen = bounding_box(picture[..., 3] > 127)
    if seen is None:
        return 1.0, None
    height, width = picture.shape[:2]
    to_frame = corner_motion(np.array([(0, 0), (width, 0), (width, height), (0, height)]), corners)
    shown = moved_corners(np.array([(seen.x0, seen.y0), (seen.x1, seen.y0), (seen.x1, seen.y1), (seen.x0, seen.y1)]), to_frame)
    tall = float(np.linalg.norm(shown[0] - shown[3]) + np.linalg.norm(shown[1] - shown[2])) / 2
    angle = np.radians(shadow.angle)
    away = shadow.length * tall * np.array([np.cos(angle), np.sin(angle)])
    if not shadow.stands:
        return tall, corners + away
    # What stands keeps its foot: its upper side falls over.
    fallen = np.array([shown[3] + away, shown[2] + away, shown[2], shown[3]])
    if abs(area_of(tuple((float(x), float(y)) for x, y in fallen))) < LEAST_AREA:  # type: ignore[arg-type]
        return tall, None
    return tall, moved_corners(corners, corner_motion(shown, fallen))


def _softened(alpha: Floats, far: Floats, blur: float, stands: bool) -> Floats:
    """A shadow (h, w), softer and fainter the farther it is from what casts it; `far` is alpha
    times how far, in [0, 1].
    """
    if not stands:
        return np.asarray(cv2.GaussianBlur(alpha, (0, 0), blur), np.float32)
    steps = [cv2.GaussianBlur(alpha, (0, 0), max(share * blur, 0.6)) for share in (SHARPEST, 0.5, 1.0)]
    weight = cv2.GaussianBlur(alpha, (0, 0), blur)
    way = np.clip(cv2.GaussianBlur(far, (0, 0), blur) / np.maximum(weight, 1e-3), 0, 1)
    near = np.clip(1 - 2 * way, 0, 1)
    end = np.clip(2 * way - 1, 0, 1)
    mixed = near * steps[0] + (1 - near - end) * steps[1] + end * steps[2]
    return np.asarray(mixed * (1 - FADES * way), np.float32)


def shadow_of_shot(reader: Frames, things: Things, frame: int, seen: Mask | None = None) -> CastShadow | None:
    """How the shadows of a shot fall, by those of the objects.

    Args:
        reader: The clip.
        things: The objects.
        frame: A frame that shows them.
        seen: bool (H, W), their shadow on it where that was found before; None to look for it.

    Returns:
        The shadow that an insert would cast; None where they cast none that is seen.
    """
    if frame not in things.frames or things.is_empty(frame):
        return None
    thing = things[frame]
    found = affected_on(reader, things, frame) if seen is None else seen
    found = found & ~thing
    box = bounding_box(thing)
    if box is None or found.sum() < LEAST_SEEN:
        return None
    rows, columns = np.nonzero(found)
    low = thing[box.y1 - max(1, box.height // 6) : box.y1]
    foot = np.array([np.nonzero(low)[1].mean(), box.y1])
    way = np.array([columns.mean(), rows.mean()]) - foot
    far = float(np.linalg.norm(way)) / max(box.height, 1)
    below = far < BELOW
    angle = 90.0 if below else float(np.degrees(np.arctan2(way[1], way[0])))
    length = 0.2 if below else min(2 * far, MOST_LENGTH)
    strength = _strength(reader.frame(frame), found, thing)
    return CastShadow(round(angle), round(max(length, 0.1), 2), 0.6 if below else 0.35, round(strength, 2))


def _strength(frame: Frame, shadow: Mask, thing: Mask) -> float:
    """How much darker a shadow is than what is around it, 0.25 to 0.8."""
    near = cv2.dilate(shadow.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    beside = near & ~(cv2.dilate((shadow | thing).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0)
    core = cv2.erode(shadow.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not beside.any() or not core.any():
        return 0.4
    grey = frame.mean(-1)
    return float(np.clip(1 - np.median(grey[core]) / max(float(np.median(grey[beside])), 1.0), 0.25, 0.8))
