"""One picture of the scene laid on a frame: by a homography, by dense flow around the hole, and in
the light of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.blur import Blur, softer
from core.background.camera import fitted, Matrix
from core.background.diffusion import diffuse
from core.background.footage import Footage, Frame, Mask
from core.geometry import Box
from core.masks import bounding_box
from core.render.flow import DenseFlow, sample

MARGIN = 28
"""Small pixels around the hole that a picture is fitted on, beside a quarter of the hole's size."""
LEAST_KNOWN = 60
"""Small pixels that have to be known on both sides."""
GAIN = (0.6, 1.6)
"""How much darker or brighter the same place may be."""
UNLIKE, LEAST_UNLIKE = 2.5, 8.0
"""Where the flow lays places on one another that differ by this many times what is usual, and by
this many 8-bit levels, it is not trusted.
"""
NUDGE = 4.0
"""Small pixels that two pictures laid on the same frame may lie apart."""
LIGHT = 20.0
"""The most that light which changes from place to place moves a pixel, in 8-bit levels."""


@dataclass(frozen=True)
class Layer:
    """A picture of the scene.

    Attributes:
        picture: uint8 (H, W, 3), full size.
        small: uint8 (h, w, 3), the same small.
        clear: bool (H, W), where it shows the scene as a camera saw it: not what is to go, and
            nothing made up.
        small_clear: bool (h, w), where it is of use for the fit: not what is to go.
    """

    picture: Frame
    small: Frame
    clear: Mask
    small_clear: Mask


@dataclass(frozen=True)
class Alignment:
    """How a layer lies on a frame, around the frame's hole.

    Attributes:
        box: the part of the frame's small picture that all arrays here cover, (h, w) in size.
        laid: float32 (h, w, 3), the layer there, in the light of the frame.
        clear: bool (h, w), where the layer shows the scene.
        error: float32 (h, w), 8-bit levels by which it is expected to be wrong.
        inverse: 3x3, from small pixels of the frame to small pixels of the layer.
        flow: float32 (h, w, 2), what is added to a place in the frame before `inverse`.
        gain: float32 (3), what the layer's colours are multiplied by.
        light: float32 (h, w, 3), 8-bit levels that are added then.
        blur: what makes the layer as soft as the frame is there.
    """

    box: Box[int]
    laid: NDArray[np.float32]
    clear: Mask
    error: NDArray[np.float32]
    inverse: Matrix
    flow: NDArray[np.float32]
    gain: NDArray[np.float32]
    light: NDArray[np.float32]
    blur: Blur

    def looked_up(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of the layer's small pixels, float32 (H, W), as they lie on the frame, (h, w)."""
        height, width = self.error.shape
        columns = np.arange(self.box.x0, self.box.x0 + width, dtype=np.float32)[None].repeat(height, 0)
        rows = np.arange(self.box.y0, self.box.y0 + height, dtype=np.float32)[:, None].repeat(width, 1)
        x, y = _through(self.inverse, columns + self.flow[..., 0], rows + self.flow[..., 1])
        at = x.astype(np.float32), y.astype(np.float32)
        return np.asarray(cv2.remap(values, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)

    def apart_from(self, other: Alignment) -> NDArray[np.float32]:
        """How far each small pixel of what is laid here lies from where `other`, laid on the same
        frame, has it: float32 (h, w, 2). 0 where they show different things.
        """
        one, two = (cv2.cvtColor(np.rint(each.laid).astype(np.uint8), cv2.COLOR_RGB2GRAY) for each in (self, other))
        flow = DenseFlow().between(np.asarray(one, np.uint8), np.asarray(two, np.uint8))
        before, after = (cv2.GaussianBlur(np.abs(each - one), (0, 0), 2.0) for each in (two.astype(np.float32), _moved(two, flow)))
        agree = (after < 0.8 * before) & (np.hypot(*np.moveaxis(flow, -1, 0)) < NUDGE)
        flow = np.where(agree[..., None], flow, 0).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(flow, (0, 0), 1.5), np.float32)

    def full_size(self, layer: Layer, footage: Footage, area: Box[int], nudge: NDArray[np.float32] | None = None) -> FullSize:
        """The layer as it lies on the frame, at full size.

        Args:
            layer: the layer that was aligned.
            footage: the clip.
            area: which part of the frame, in full-size pixels.
            nudge: float32 (h, w, 2), how far off each small pixel is looked up.

        Returns:
            Pixels, where they show the scene, and the error to be expected.
        """
        across, down = footage.scale
        columns = ((np.arange(area.x0, area.x1, dtype=np.float32) + 0.5) * across - 0.5)[None].repeat(area.height, 0)
        rows = ((np.arange(area.y0, area.y1, dtype=np.float32) + 0.5) * down - 0.5)[:, None].repeat(area.width, 1)

        def enlarged(image: NDArray[np.float32]) -> NDArray[np.float32]:
            at = columns - self.box.x0, rows - self.box.y0
            return np.asarray(cv2.remap(image, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)

        flow = enlarged(self.flow if nudge is None else self.flow + nudge)
        x, y = _through(self.inverse, columns + flow[..., 0], rows + flow[..., 1])
        at = ((x + 0.5) / across - 0.5).astype(np.float32), ((y + 0.5) / down - 0.5).astype(np.float32)
        laid = cv2.remap(layer.picture, *at, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        clear = cv2.remap(layer.clear.astype(np.float32), *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) > 0.98
        # What is made up is as soft as the layer; what is to go must not be drawn in.
        laid = self.blur.applied(laid, np.ones_like(clear) if layer.small_clear.all() else clear, 1 / across)
        width, height = footage.size
        inside = (at[0] > -0.5) & (at[0] < width - 0.5) & (at[1] > -0.5) & (at[1] < height - 0.5)
        return FullSize(np.clip(laid * self.gain + enlarged(self.light), 0, 255), clear, inside, enlarged(self.error))


class FullSize(NamedTuple):
    """Part of a frame as a layer shows it, at full size.

    Attributes:
        pixels: float32 (H, W, 3), in the light of the frame.
        clear: bool (H, W), where they show the scene as a camera saw it.
        inside: bool (H, W), where they lie inside the layer's picture.
        error: float32 (H, W), 8-bit levels by which they are expected to be wrong.
    """

    pixels: NDArray[np.float32]
    clear: Mask
    inside: Mask
    error: NDArray[np.float32]


def surroundings(hole: Mask, margin: int = MARGIN) -> Box[int] | None:
    """The part of a small picture that a hole and its surroundings lie in; None without a hole."""
    box = bounding_box(hole)
    return None if box is None else box.grow(margin + max(box.width, box.height) // 4, hole.shape)


def align(
    footage: Footage,
    target: int,
    layer: Layer,
    matrix: Matrix,
    *,
    refine: bool,
    around: Box[int] | None = None,
    motion: tuple[float, float] = (0.0, 0.0),
    filled: tuple[Frame, Mask] | None = None,
) -> Alignment | None:
    """Lay a picture of the scene on a frame.

    Args:
        footage: the clip.
        target: the frame.
        layer: the picture.
        matrix: 3x3, where the layer's small pixels lie on the frame, roughly.
        refine: whether the homography is fitted anew around the hole; for layers from far away.
        around: the part of the frame's small picture to lay it on; the surroundings of the hole
            where None.
        motion: how far the scene moves from frame to frame there, in small pixels, which may have
            blurred the frame.
        filled: part of the frame's small picture with what is known of its hole by now, uint8 (h,
            w, 3), and where it is known, bool (h, w): the flow is found there too.

    Returns:
        How it lies there; None when too little of both is known to tell.
    """
    hole = footage.small_hole(target)
    box = around or surroundings(hole)
    if box is None:
        return None
    inside = np.array([[1, 0, -box.x0], [0, 1, -box.y0], [0, 0, 1]], float)
    gray, own = np.ascontiguousarray(box.crop(footage.gray(target))), box.crop(hole)
    laid, clear = _warped(layer, inside @ matrix, gray.shape)
    if refine:
        own_gray = cv2.cvtColor(laid, cv2.COLOR_RGB2GRAY)
        better = fitted(gray, np.asarray(own_gray, np.uint8), own, ~clear)
        if better is not None:
            matrix = np.linalg.inv(inside) @ np.linalg.inv(better) @ inside @ matrix
            laid, clear = _warped(layer, inside @ matrix, gray.shape)
    known = clear & ~own
    if known.sum() < LEAST_KNOWN:
        return None
    picture = box.crop(footage.small(target)).astype(np.float32)
    laid_gray = np.asarray(cv2.cvtColor(laid, cv2.COLOR_RGB2GRAY), np.uint8)
    if filled is None:
        flow = _flow(gray, laid_gray, known)
    else:
        flow = _flow(np.asarray(cv2.cvtColor(filled[0], cv2.COLOR_RGB2GRAY), np.uint8), laid_gray, clear & filled[1], wary=True)
    rows, columns = np.mgrid[: gray.shape[0], : gray.shape[1]].astype(np.float32)
    at = columns + flow[..., 0], rows + flow[..., 1]
    moved = sample(laid, *at).astype(np.float32)
    clear = cv2.remap(clear.astype(np.float32), *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) > 0.98
    known = clear & ~own
    if known.sum() < LEAST_KNOWN:
        return None
    blur = softer(picture, moved, known, motion, closer=refine)
    moved = blur.applied(moved, clear)
    gain = np.clip((picture[known].mean(0) + 4) / (moved[known].mean(0) + 4), *GAIN).astype(np.float32)
    moved *= gain
    misfit = picture - moved
    weight = known.astype(np.float32)
    light = cv2.GaussianBlur(diffuse(np.clip(misfit, -LIGHT, LIGHT), weight), (0, 0), 3.0)
    error = diffuse(np.abs(misfit - light).mean(-1, keepdims=True), weight)[..., 0]
    moved = np.clip(moved + light, 0, 255)
    return Alignment(
        box,
        np.asarray(moved, np.float32),
        clear,
        error,
        np.asarray(np.linalg.inv(matrix), np.float64),
        flow,
        gain,
        np.asarray(light, np.float32),
        blur,
    )


def _warped(layer: Layer, matrix: Matrix, shape: tuple[int, ...]) -> tuple[Frame, Mask]:
    size = (shape[1], shape[0])
    laid = cv2.warpPerspective(layer.small, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    clear = cv2.warpPerspective(layer.small_clear.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    return np.asarray(laid, np.uint8), clear > 0


def _flow(frame: NDArray[np.uint8], laid: NDArray[np.uint8], known: Mask, *, wary: bool = False) -> NDArray[np.float32]:
    """Where each pixel of the frame lies in the laid picture beyond its own place, (h, w, 2),
    continued smoothly into the hole.
    """
    ratio = (float(frame[known].mean()) + 1) / (float(laid[known].mean()) + 1)
    lit = np.clip(laid * ratio, 0, 255).astype(np.uint8)
    # What only one of them shows must not pull at the flow around it.
    seen = np.where(known, frame, lit)
    flow = cv2.GaussianBlur(DenseFlow().between(seen, lit), (0, 0), 1.5)
    sure = cv2.erode(known.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    sure = sure if sure.any() else known
    if wary:  # other times may show something else there
        apart = cv2.GaussianBlur(np.abs(seen - _moved(lit, flow)), (0, 0), 2.0)
        sure &= apart < max(UNLIKE * float(np.median(apart[sure])), LEAST_UNLIKE)
    return diffuse(np.asarray(flow, np.float32), sure.astype(np.float32))


def _moved(picture: NDArray, flow: NDArray) -> NDArray[np.float32]:
    """A picture (h, w, ...) looked up where a flow (h, w, 2) leads from each place."""
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return np.asarray(sample(picture, columns + flow[..., 0], rows + flow[..., 1]), np.float32)


def _through(matrix: Matrix, x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[NDArray, NDArray]:
    depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    return (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / depth, (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / depth
