"""Clean plates: single frames of the clip without what is in the region, put together from the
frames that show what lies behind it.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.alignment import align, Alignment, Layer, surroundings
from core.background.camera import Camera
from core.background.completion import complete
from core.background.footage import Footage, Frame, Mask
from core.background.movement import APART, Movement
from core.background.rim import meet_rim
from core.geometry import Box

EVERY = 8
"""Frames from one plate to the next."""
ROOT = 96
"""Frames from one plate to the next that the others take what no frame shows from."""
CHAIN = 3
"""Roots that depend on one another at most."""
OFFSETS = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85)
"""How far away the frames are that a plate is put together from."""
SOURCES = 9
"""How many of them at most."""
FAR = 3
"""How many more at most, where those leave something out."""
FIRST, SECOND = 0.01, 0.1
"""Shares of the hole that a source has to show which none did before, and which one did."""
DISTANCE = 0.12
"""What a frame of distance costs, in 8-bit levels of error."""
DISAGREEMENT = 0.7
"""What a level costs by which a source differs from most of the others."""
PASSING = 16.0
"""What it costs that something passes there."""
MADE_UP = 14.0
"""What it costs that a pixel of another plate may be made up."""
WORST = 70.0
"""A source that costs more shows nothing."""
PASSAGE, SOFTNESS = 5.0, 3.0
"""Small pixels over which sources pass into one another in light, and over which light is
averaged.
"""
REACH = CHAIN * ROOT + OFFSETS[-1] + EVERY + APART
"""Frames to either side whose masks have a say in what a frame shows, at most."""
_KEPT = 10


class Plates:
    """Makes plates when they are asked for and keeps the latest. What a plate shows doesn't depend
    on what was asked for before.
    """

    def __init__(self, footage: Footage, camera: Camera) -> None:
        self._footage, self._camera = footage, camera
        self._movement = Movement(footage, camera)
        self._made: OrderedDict[int, Layer] = OrderedDict()

    def around(self, index: int) -> list[int]:
        """The frames whose plates a frame is filled from: one or two in its shot, or the frame
        itself where there are none.
        """
        known = self._footage.range
        before = max(index - index % EVERY, known.start)
        if before == index:
            return [index]
        shot = self._camera.shot(index, EVERY)
        return [one for one in (before, min(index - index % EVERY + EVERY, known.stop - 1)) if one in shot] or [index]

    def plate(self, index: int) -> Layer:
        """The plate of a frame."""
        if index not in self._made:
            self._made[index] = self._make(index)
        self._made.move_to_end(index)
        while len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return self._made[index]

    def _root(self, index: int) -> int | None:
        """The frame whose plate shows what no frame does; None for the first of a chain."""
        root = index - index % ROOT
        if root == index:
            if index // ROOT % CHAIN == 0:
                return None
            root -= ROOT
        shot = self._camera.shot(index, ROOT)
        if root in shot:
            return root
        first = -(-shot.start // EVERY) * EVERY
        return first if first < index else None

    def _make(self, index: int) -> Layer:
        footage = self._footage
        frame, hole = footage.frame(index), footage.hole(index)
        if not hole.any():
            return self._as_layer(frame, hole)
        layers, alignments, costs = self._gather(index)
        root = self._root(index)
        if root is not None:
            made = self.plate(root)
            laid = align(footage, index, made, self._camera.between(root, index), refine=True, motion=self._camera.motion(index))
            if laid is not None:
                layers.append(made)
                alignments.append(laid)
                costs.append(np.where(laid.clear, laid.error + MADE_UP, np.inf).astype(np.float32))
        result, missing, made_up = frame, hole, hole
        if alignments:
            result, missing, made_up = self._composed(frame, hole, layers, alignments, costs)
        if missing.any():
            result = complete(result, missing, index)
        return self._as_layer(result, made_up)

    def _as_layer(self, frame: Frame, made_up: Mask) -> Layer:
        small = self._footage.shrunk(frame)
        return Layer(frame, small, ~made_up, np.ones(small.shape[:2], bool))

    def _gather(self, index: int) -> tuple[list[Layer], list[Alignment], list[NDArray[np.float32]]]:
        """The sources of a plate, how they lie on it, and what each of their small pixels costs."""
        footage = self._footage
        layers: list[Layer] = []
        alignments: list[Alignment] = []
        distances: list[int] = []
        sources: list[int] = []
        around = surroundings(footage.small_hole(index))
        if around is None:
            return [], [], []
        known = ~around.crop(footage.small_hole(index))
        picture = around.crop(footage.small(index)).copy()
        for source in self._sources(index):
            hole = footage.hole(source)
            rim = cv2.dilate(hole.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
            layer = Layer(footage.frame(source), footage.small(source), ~rim, ~footage.small_hole(source))
            laid = align(
                footage,
                index,
                layer,
                self._camera.between(source, index),
                refine=True,
                motion=self._camera.motion(index),
                filled=(picture, known),
            )
            if laid is not None:
                new = laid.clear & ~known
                picture[new] = np.rint(laid.laid[new]).astype(np.uint8)
                known = known | new
                layers.append(layer)
                alignments.append(laid)
                distances.append(abs(source - index))
                sources.append(source)
        if not alignments:
            return [], [], []
        pictures = np.stack([np.where(one.clear[..., None], one.laid, np.nan) for one in alignments])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # nothing is known of some pixels
            middle = np.nanmedian(pictures, 0)
        costs = []
        for source, one, picture, distance in zip(sources, alignments, pictures, distances, strict=True):
            apart = np.nan_to_num(np.abs(picture - middle).mean(-1))
            apart = cv2.GaussianBlur(apart.astype(np.float32), (0, 0), 2.0)
            cost = one.error + DISTANCE * distance + DISAGREEMENT * apart + PASSING * one.looked_up(self._movement.on(source))
            costs.append(np.where(one.clear, cost, np.inf).astype(np.float32))
        return layers, alignments, costs

    def unseen(self, index: int) -> float:
        """The share of what is hidden on a frame that no other frame shows, 0 to 1."""
        hole, shown = self._shown(index)
        seen = np.zeros_like(hole)
        for mask in shown.values():
            seen |= mask
        return float((hole & ~seen).sum() / max(int(hole.sum()), 1))

    def _shown(self, index: int) -> tuple[Mask, dict[int, Mask]]:
        """The hole of a frame, and what of it each of the frames around shows, the nearest first;
        a quarter as large as small pictures.
        """
        footage = self._footage
        hole = footage.small_hole(index)[::4, ::4]
        shape = hole.shape[::-1]
        quarter = np.diag([0.25, 0.25, 1.0])
        shot = self._camera.shot(index, OFFSETS[-1])
        footage.read(max(shot.start, index - OFFSETS[-1]), min(shot.stop, index + OFFSETS[-1] + 1))
        shown: dict[int, Mask] = {}
        for source in (source for offset in OFFSETS for source in (index - offset, index + offset) if source in shot):
            matrix = quarter @ self._camera.between(source, index) @ np.linalg.inv(quarter)
            clear = (~footage.small_hole(source)[::4, ::4]).astype(np.uint8)
            shown[source] = (cv2.warpPerspective(clear, matrix, shape, flags=cv2.INTER_NEAREST) > 0) & hole
        return hole, shown

    def _sources(self, index: int) -> list[int]:
        """Frames of the shot that show what is hidden on this one, the nearest first."""
        hole, shown = self._shown(index)
        total = max(int(hole.sum()), 1)
        often = np.zeros(hole.shape, np.int32)
        chosen: list[int] = []

        def new(source: int, times: int) -> float:
            return float((shown[source] & (often == times)).sum()) / total

        def take(source: int) -> None:
            np.add(often, shown[source], out=often)
            chosen.append(source)

        # First what shows something that no nearer one does, then second opinions.
        for times, share in ((0, FIRST), (1, SECOND)):
            for source in shown:
                if len(chosen) < SOURCES and source not in chosen and new(source, times) > share:
                    take(source)
        # Then, where a thing hardly moves, those far away that show most of what is still missing.
        while len(chosen) < SOURCES + FAR:
            best = max((source for source in shown if source not in chosen), key=lambda one: new(one, 0), default=None)
            if best is None or new(best, 0) <= FIRST:
                break
            take(best)
        return chosen

    def _composed(
        self, frame: Frame, hole: Mask, layers: list[Layer], alignments: list[Alignment], costs: list[NDArray[np.float32]]
    ) -> tuple[Frame, Mask, Mask]:
        """The frame with every hidden pixel from the layer where it costs least; what none has;
        what no camera saw, which is more.
        """
        footage, box = self._footage, alignments[0].box
        stacked = np.stack(costs)
        best, least = stacked.argmin(0), stacked.min(0)
        usable = least < WORST
        chosen = np.stack([cv2.GaussianBlur(((best == number) & usable).astype(np.float32), (0, 0), 2.5) for number in range(len(costs))])
        chosen *= np.isfinite(stacked)
        best = chosen.argmax(0)
        area = _full(box, footage)
        total = np.zeros((*area.shape, 3), np.float32)
        light, lights = np.zeros_like(total), np.zeros(area.shape, np.float32)
        weights, made_up = np.zeros(area.shape, np.float32), np.zeros(area.shape, np.float32)
        for number, (layer, laid) in enumerate(zip(layers, alignments, strict=True)):
            own = ((best == number) & (chosen[number] > 0.02)).astype(np.float32)
            if not own.any():
                continue
            share = cv2.resize(cv2.GaussianBlur(own, (0, 0), 0.7), area.shape[::-1], interpolation=cv2.INTER_LINEAR)
            full = laid.full_size(layer, footage, area)
            shown = (full.inside if layer.small_clear.all() else full.clear).astype(np.float32)
            share *= shown
            # Sources that differ in light pass into one another over more room than in detail.
            soft = _softened(full.pixels, shown, own.shape)
            wide = cv2.resize(cv2.GaussianBlur(own, (0, 0), PASSAGE), area.shape[::-1], interpolation=cv2.INTER_LINEAR) * shown
            light += wide[..., None] * soft
            lights += wide
            total += share[..., None] * (full.pixels - soft)
            weights += share
            made_up += share * ~full.clear
        found = area.crop(hole) & (weights > 0.05)
        result = frame.copy()
        together = total / np.maximum(weights, 1e-6)[..., None] + light / np.maximum(lights, 1e-6)[..., None]
        fill = meet_rim(together, area.crop(frame), area.crop(hole), weights > 0.05)
        np.copyto(area.crop(result), fill, where=found[..., None])
        missing = hole.copy()
        area.crop(missing)[found] = False
        unseen = missing.copy()
        area.crop(unseen)[found & (made_up > 0.5 * weights)] = True
        return result, missing, unseen


def _softened(pixels: NDArray[np.float32], shown: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """The light of a picture (H, W, 3) without its detail, averaged where it is `shown` (H, W) on
    as many small pixels as `size` says.
    """
    small = size[1], size[0]
    weight = cv2.GaussianBlur(cv2.resize(shown, small, interpolation=cv2.INTER_AREA), (0, 0), SOFTNESS)
    total = cv2.GaussianBlur(cv2.resize(pixels * shown[..., None], small, interpolation=cv2.INTER_AREA), (0, 0), SOFTNESS)
    soft = total / np.maximum(weight, 0.02)[..., None]
    return np.asarray(cv2.resize(soft, shown.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _full(box: Box[int], footage: Footage) -> Box[int]:
    """A box of small pixels in full-size ones."""
    across, down = footage.scale
    return Box(int(box.x0 / across), int(box.y0 / down), round(box.x1 / across), round(box.y1 / down)).clipped(footage.size[::-1])
