"""The background model of a clip: what lies behind the region on every frame, from clean plates."""

from __future__ import annotations

import cv2
import numpy as np

from core.background.alignment import align
from core.background.camera import Camera
from core.background.footage import Footage, Frame, Frames, Mask, Region
from core.background.plates import EVERY, Plates
from core.background.rim import meet_rim, RING
from core.geometry import Box
from core.masks import bounding_box

MADE_UP = 0.05
"""The say of a pixel that is made up, beside one that a camera saw."""
_LEAST = 1e-3
MEETS = 2
"""Pixels around what is made up that a model paints with it."""
LOOKED = 6
"""Frames on which is counted what no frame shows."""
SOFT = 8.0
"""8-bit levels of error by which a plate's say falls to a third."""


class BackgroundModel:
    """What lies behind `region` on the frames that it covers. Looks at the clip when asked; memory
    is bounded at any length.
    """

    def __init__(self, reader: Frames, region: Region) -> None:
        self._footage = Footage(reader, region)
        self._camera = Camera(self._footage)
        self._plates = Plates(self._footage, self._camera)

    def inpaint(self, index: int, source: Frame, answer: Frame | None = None) -> Frame:
        """A frame with what lies behind the region.

        Args:
            index: the frame.
            source: uint8 (H, W, 3), its picture.
            answer: uint8 (H, W, 3), what a model would paint there. It is taken where no frame of
                the clip shows what lies behind.

        Returns:
            uint8 (H, W, 3), equal to `source` outside the region.
        """
        picture, unseen = self._behind(index, source)
        if answer is not None and unseen is not None:
            np.copyto(picture, answer, where=unseen[..., None])
        return picture

    def behind(self, index: int, source: Frame) -> tuple[Frame, Mask]:
        """A frame with what lies behind the region, and where a model may do better.

        Args:
            index: the frame.
            source: uint8 (H, W, 3), its picture.

        Returns:
            uint8 (H, W, 3), and bool (H, W): what no frame of the clip shows and is made up, with a
            rim in which a model's answer can meet what is shown.
        """
        picture, unseen = self._behind(index, source)
        if unseen is None or not unseen.any():
            return picture, np.zeros(source.shape[:2], np.bool_)
        # Specks are not worth a model's while, and would grow into all of a region.
        whole = cv2.morphologyEx(unseen.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        grown = cv2.dilate(whole, np.ones((2 * MEETS + 1,) * 2, np.uint8)) > 0
        return picture, grown & self._footage.hole(index)

    def _behind(self, index: int, source: Frame) -> tuple[Frame, Mask | None]:
        """The frame with what lies behind the region, and where that is made up; None where there
        is no region.
        """
        hole = self._footage.hole(index)
        box = bounding_box(hole)
        if box is None:
            return source, None
        area = box.grow(2 * RING, hole.shape)
        pixels, seen = self._from_plates(index, source, area)
        result, unseen = source.copy(), np.zeros(hole.shape, np.bool_)
        np.copyto(area.crop(result), pixels, where=area.crop(hole)[..., None])
        area.crop(unseen)[...] = area.crop(hole) & ~seen
        return result, unseen

    def unseen(self) -> float:
        """The share of what the region hides that no frame of the clip shows and that is made up,
        0 to 1: the mean over a few frames, found without making plates.
        """
        frames = [frame for frame in self._footage.range if self._footage.hole(frame).any()]
        looked = frames[:: max(len(frames) // LOOKED, 1)][:LOOKED]
        return float(np.mean([self._plates.unseen(frame) for frame in looked])) if looked else 0.0

    def _from_plates(self, index: int, source: Frame, area: Box[int]) -> tuple[Frame, Mask]:
        """Part of a frame from the plates around it, uint8 (H, W, 3), and where a camera saw it."""
        footage = self._footage
        near = self._plates.around(index)
        if near == [index]:
            layer = self._plates.plate(index)
            return area.crop(layer.picture), area.crop(layer.clear)
        total = np.zeros((*area.shape, 3), np.float32)
        weights, seen = np.zeros(area.shape, np.float32), np.zeros(area.shape, np.float32)
        found = []
        for at in near:
            layer = self._plates.plate(at)
            laid = align(footage, index, layer, self._camera.between(at, index), refine=False, motion=self._camera.motion(index))
            if laid is not None:
                found.append((at, layer, laid))
        # What two plates show a little apart meets in between: an average of both would be a blur.
        apart = found[0][2].apart_from(found[1][2]) if len(found) == 2 else None
        for way, (at, layer, laid) in zip((-1, 1), found, strict=False):
            nudge = None if apart is None else apart * (way * abs(at - index) / abs(near[1] - near[0]))
            full = laid.full_size(layer, footage, area, nudge)
            share = full.inside * (1 - abs(at - index) / EVERY + _LEAST) * np.exp(-full.error / SOFT)
            share *= np.where(full.clear, 1.0, MADE_UP)
            total += share[..., None] * full.pixels
            weights += share
            seen += share * full.clear
        hole = area.crop(footage.hole(index))
        pixels = meet_rim(total / np.maximum(weights, _LEAST**3)[..., None], area.crop(source), hole, weights > _LEAST)
        missing = hole & (weights < _LEAST**3)
        if missing.any():  # what comes into view between two plates
            own = self._plates.plate(index)
            pixels[missing] = area.crop(own.picture)[missing]
            seen[missing] = area.crop(own.clear)[missing]
        return pixels, seen > 0.5 * weights
