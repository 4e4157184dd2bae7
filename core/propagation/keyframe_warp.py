"""The accepted picture carried to the frames after it: its detail and colour, along the masks' motion and the model's own.

A small model redraws what it was given softly, in cells of its latent grid, and its colours wander from window to window. The picture
that a person accepted has the detail and the colour; the model knows how the thing moves and how its light changes. So every frame shows
the picture moved by the mask's box and by the optical flow between the model's own frames, shaded as the model shades it, and the model's
own pixels where the two do not agree. From window to window positions are followed, not pixels, so that nothing blurs or fades on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.masks import bounding_box, Widths
from core.propagation.motion import in_shape, Margins, motion, NO_MARGINS
from core.render.composite import composite, soft_edge
from core.render.edit_alpha import pure, visible_edit
from core.render.flow import DenseFlow
from core.render.grain import add_grain, LEAST_BOIL
from core.render.region import CropRegion

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Places = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Columns and rows."""

FAR = 8.0
"""Pixels of the model by which its optical flow may add to the motion of the mask's box."""
SMOOTH = 2.5
"""Pixels of the model over which its frames are compared: above its own noise, below what a shadow takes."""
SHADE = 24.0
"""The most that the model's light moves the carried picture, in 8-bit levels."""
DRIFT = 48.0
"""The most that a frame's mean colour is moved to the keyframe's, in 8-bit levels."""
TRUST = 2.5
"""The carried picture fades where it differs from the model's answer by so many times what the model's own redrawing does."""
INERTIA = 0.6
"""How much of a frame's colour correction is that of the frame before it."""


@dataclass(frozen=True)
class Accepted:
    """A finished frame: picture uint8 (H, W, 3), mask bool (H, W), how much of each pixel the edit is, (H, W) in [0, 1], and the mask's
    box, which goes as far beyond the picture as is known of what its border cuts off."""

    picture: Picture
    mask: Mask
    shown: NDArray[np.float32]
    box: Box[float]

    @classmethod
    def of(cls, picture: Picture, under: Picture, mask: Mask, box: Box[float]) -> Accepted:
        """What `picture` shows of an edit laid over `under`: see `visible_edit`."""
        shown = np.zeros(mask.shape, np.float32)
        seen = bounding_box(mask)
        if seen is not None:
            area = seen.grow(24, mask.shape).slices
            shown[area] = visible_edit(picture[area], under[area], mask[area], rim=False)
            picture = picture.copy()
            picture[area] = pure(picture[area], shown[area])
        return cls(picture, mask, shown, box)

    @property
    def margins(self) -> Margins:
        """How far what shows stays away from the box's sides."""
        seen, box = bounding_box(self.shown > 0.5), self.box
        if seen is None:
            return NO_MARGINS
        return (
            (seen.x0 - box.x0) / box.width,
            (seen.y0 - box.y0) / box.height,
            (box.x1 - seen.x1) / box.width,
            (box.y1 - seen.y1) / box.height,
        )


@dataclass(frozen=True)
class Trail:
    """Where a frame's pixels come from in the keyframe: `matrix` (3x3) takes a place there to the frame, up to `bend` (h, w, 2), which is
    added in source pixels first and given for each pixel of `crop`. `boxes` (3x3) is the motion of the mask's box by itself, which may
    stretch, `box` the frame's, `correction` (3) what the colours of the edit were moved by."""

    box: Box[float]
    crop: CropRegion
    matrix: NDArray[np.float64]
    boxes: NDArray[np.float64]
    bend: NDArray[np.float32]
    correction: NDArray[np.float64]

    @classmethod
    def start(cls, box: Box[float], crop: CropRegion) -> Trail:
        """That of the keyframe itself."""
        return cls(box, crop, np.eye(3), np.eye(3), np.zeros((*crop.working_size, 2), np.float32), np.zeros(3))

    def arrays(self) -> dict[str, NDArray]:
        """All of it as arrays, to be kept in a file."""
        crop = self.crop
        place = np.array([crop.x, crop.y, crop.width, crop.height, *crop.frame_size, *crop.working_size])
        others: dict[str, NDArray] = {"matrix": self.matrix, "boxes": self.boxes, "bend": self.bend, "correction": self.correction}
        return {"span": np.array([self.box.y0, self.box.y1, self.box.x0, self.box.x1]), "crop": place, **others}

    @classmethod
    def of(cls, arrays: dict[str, NDArray]) -> Trail:
        """What `arrays` gave."""
        y0, y1, x0, x1 = (float(side) for side in arrays["span"])
        x, y, width, height, *sizes = (int(number) for number in arrays["crop"])
        crop = CropRegion(x, y, width, height, (sizes[0], sizes[1]), (sizes[2], sizes[3]))
        return cls(Box(x0, y0, x1, y1), crop, arrays["matrix"], arrays["boxes"], arrays["bend"], arrays["correction"])

    def origin(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> Places:
        """The places in the keyframe of places in the frame, both in source pixels."""
        bend = _sample(self.bend, *_moved(self.crop.matrix, x, y), cv2.INTER_LINEAR)
        return _moved(np.linalg.inv(self.matrix), x + bend[..., 0], y + bend[..., 1])


class Carrier:
    """Carries the keyframe through the frames of a window."""

    def __init__(self, accepted: Accepted, trail: Trail, bridge: Picture, crop: CropRegion, redrawn: Picture, kept: float = 0.0) -> None:
        """`accepted` is the keyframe. `bridge` (H, W, 3) is the finished frame that the window goes out from and `trail` its way from the
        keyframe; `crop` and `redrawn` (h, w, 3) are what the model saw of it and made of it. `kept` is the least share of the keyframe
        (`VividModel.kept`) within what it shows; of the model's light the rest counts."""
        self._accepted, self._start, self._crop, self._kept = accepted, trail, crop, kept
        self._redrawn = redrawn
        self.trail = trail
        """That of the frame made last."""
        # Looked at in the model's size, the keyframe must not alias.
        coarse = crop.width / redrawn.shape[1]
        self._soft = cv2.GaussianBlur(accepted.picture, (0, 0), coarse / 2) if coarse > 1 else accepted.picture
        residual = crop.cut(bridge).astype(np.float32) - redrawn
        self._shown = self._shown_at(trail.origin(*_places(crop)))
        self._offset = cv2.GaussianBlur(residual, (0, 0), SMOOTH)
        inside = self._shown > 0.5
        error = np.abs(residual).mean(-1)[inside].mean() if inside.any() else 0.0
        self._tolerance = max(6.0, TRUST * float(error))
        self._flow = DenseFlow()

    def onto(
        self,
        source: Picture,
        under: Picture,
        mask: Mask,
        feather: Widths,
        box: Box[float],
        crop: CropRegion,
        redrawn: Picture,
        grain: float = 0.0,
        seed: tuple[int, ...] = (0,),
    ) -> Picture:
        """The finished frame for `source` (H, W, 3), equal to it outside `mask`. `redrawn` (h, w, 3) is the model's answer at `crop`.

        `feather` is how wide the mask's edge is, `box` its box, as the motion is to be read from it; `under` (H, W, 3) shows around the
        edit, inside the mask. The edit gets film grain of the level `grain`, drawn from `seed`.
        """
        seen = bounding_box(mask)
        if seen is None:
            return source
        area = seen.slices
        trail, offset = self._follow(crop, redrawn, motion(self._start.box, box, mask.shape), box)
        shade, trust = self._compare(trail, redrawn.astype(np.float32) + offset)

        rows, columns = np.mgrid[area].astype(np.float32)
        origin = trail.origin(columns, rows)
        carried = _sample(self._accepted.picture, *origin, cv2.INTER_CUBIC)
        shown = self._shown_at(origin) * mask[area]
        sure = _spread(trust, crop, area)[..., None]
        model = _spread(redrawn.astype(np.float32) + offset, crop, area, cv2.INTER_CUBIC)
        edit = sure * (carried + _spread(shade, crop, area)) + (1 - sure) * model
        self.trail = replace(trail, correction=self._anchor(edit, carried, shown * self._on_keyframe(origin)))
        pixels = np.clip(np.rint(edit + self.trail.correction.astype(np.float32)), 0, 255).astype(np.uint8)
        pixels = add_grain(pixels, shown, grain, seed, LEAST_BOIL)
        # What is replaced must not come back at the region's edge: the edit fades into what hides it.
        edited = composite(under[area], pixels, shown * soft_edge(mask, feather)[area])
        result = source.copy()
        result[area] = np.where(mask[area][..., None], edited, source[area])
        return result

    def _follow(
        self, crop: CropRegion, redrawn: Picture, forward: NDArray[np.float64], box: Box[float]
    ) -> tuple[Trail, NDArray[np.float32]]:
        """The trail of a frame, and the offset (h, w, 3) between the model's redrawing and the pictures: by the box's motion from the
        bridge, and what the model's frames differ from it by."""
        height, width = redrawn.shape[:2]
        matrix = crop.matrix @ forward @ np.linalg.inv(self._crop.matrix)

        def moved(image: NDArray) -> NDArray:
            return cv2.warpAffine(image, matrix[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

        before, shown = moved(self._redrawn), moved(self._shown)
        near = cv2.dilate((shown > 0.1).astype(np.uint8), np.ones((5, 5), np.uint8))[..., None] > 0
        # Where the edit doesn't show both are the same: what moves behind it must not pull at it.
        gray = [np.asarray(cv2.cvtColor(np.where(near, picture, redrawn), cv2.COLOR_RGB2GRAY), np.uint8) for picture in (redrawn, before)]
        flow = cv2.GaussianBlur(self._flow.between(*gray), (0, 0), SMOOTH)
        length = np.maximum(np.linalg.norm(flow, axis=-1, keepdims=True), 1e-6)
        flow *= np.minimum(1, FAR / length)
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        at = columns + flow[..., 0], rows + flow[..., 1]
        weight = cv2.GaussianBlur(_sample(shown, *at, cv2.INTER_LINEAR), (0, 0), SMOOTH)[..., None]
        offset = np.asarray(_sample(moved(self._offset), *at, cv2.INTER_LINEAR) * weight, np.float32)

        x, y = _places(crop)
        boxes = forward @ self._start.boxes
        whole = in_shape(boxes, box)
        in_bridge = _moved(self._start.matrix @ np.linalg.inv(crop.matrix @ whole), *at)
        there = _moved(whole, *self._start.origin(*in_bridge))
        bend = np.stack([there[0] - x, there[1] - y], -1)
        return Trail(box, crop, whole, boxes, bend, self.trail.correction), offset

    def _compare(self, trail: Trail, answer: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """At the model's size: the light that its answer (h, w, 3) puts on the carried picture, and the trust in the carried picture."""
        origin = trail.origin(*_places(trail.crop))
        # What the border hid on the keyframe only the model can tell.
        there = self._on_keyframe(origin)
        shown = (self._shown_at(origin) * there)[..., None]
        change = answer - _sample(self._soft, *origin, cv2.INTER_LINEAR)
        weight = cv2.GaussianBlur(shown, (0, 0), SMOOTH)[..., None]
        shade = cv2.GaussianBlur(change * shown, (0, 0), SMOOTH) / np.maximum(weight, 1e-3)
        trust = np.exp(-((np.abs(shade).mean(-1) / self._tolerance) ** 2)).astype(np.float32)
        mean = (shade * shown).sum((0, 1)) / max(float(shown.sum()), 1e-6)
        return (1 - self._kept) * np.clip(shade - mean, -SHADE, SHADE), np.maximum(trust, self._kept) * there

    def _shown_at(self, origin: Places) -> NDArray[np.float32]:
        """How much of places in the keyframe is the edit: what the border cuts off goes on beyond it, as far as it is known to reach."""
        x, y = origin
        x0, y0, x1, y1 = self._accepted.box
        height, width = self._accepted.mask.shape
        inside = np.ones(x.shape, np.float32)
        # Pixel centres lie at whole numbers here, sides at halves before them. A side that stays on the border is not known.
        for beyond, reach in ((y0 < 0, y - y0), (y1 > height, y1 - 1 - y), (x0 < 0, x - x0), (x1 > width, x1 - 1 - x)):
            if beyond:
                inside = np.minimum(inside, np.clip(reach + 1, 0, 1))
        return _sample(self._accepted.shown, x, y, cv2.INTER_LINEAR) * inside

    def _on_keyframe(self, origin: Places) -> NDArray[np.float32]:
        """1 where a place lies inside the keyframe's picture, 0 beyond its border."""
        height, width = self._accepted.mask.shape
        inside = (origin[0] > -1) & (origin[0] < width) & (origin[1] > -1) & (origin[1] < height)
        return inside.astype(np.float32)

    def _anchor(self, edit: NDArray[np.float32], carried: NDArray, shown: NDArray[np.float32]) -> NDArray[np.float64]:
        """What brings the mean colour of the edit to that of the part of the keyframe that it shows, without a jump from the last frame."""
        last = self.trail.correction
        own, kept = _mean(edit, shown), _mean(carried, shown)
        if own is None or kept is None:
            return last
        wanted = np.clip(kept - own, -DRIFT, DRIFT)
        return wanted if not last.any() else INERTIA * last + (1 - INERTIA) * wanted


def _mean(picture: NDArray, weight: NDArray[np.float32]) -> NDArray[np.float64] | None:
    total = float(weight.sum(dtype=np.float64))
    if total < 4:
        return None
    return np.tensordot(weight.astype(np.float64), picture.astype(np.float64), ((0, 1), (0, 1))) / total


def _moved(matrix: NDArray, x: NDArray[np.float32], y: NDArray[np.float32]) -> Places:
    """Where an axis-parallel 3x3 matrix takes places."""
    return (matrix[0, 0] * x + matrix[0, 2]).astype(np.float32), (matrix[1, 1] * y + matrix[1, 2]).astype(np.float32)


def _places(crop: CropRegion) -> Places:
    """The source places of a crop's pixels, (h, w) each."""
    rows, columns = np.mgrid[: crop.working_size[0], : crop.working_size[1]].astype(np.float32)
    return _moved(np.linalg.inv(crop.matrix), columns, rows)


def _sample(picture: NDArray, x: NDArray[np.float32], y: NDArray[np.float32], how: int) -> NDArray:
    return cv2.remap(picture, x, y, how, borderMode=cv2.BORDER_REPLICATE)


def _spread(image: NDArray[np.float32], crop: CropRegion, area: tuple[slice, slice], how: int = cv2.INTER_LINEAR) -> NDArray[np.float32]:
    """The part of an image at the model's size that lies on `area` of the frame, at the frame's resolution."""
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in area)
    x, y = crop.matrix[0, 0] * columns + crop.matrix[0, 2], crop.matrix[1, 1] * rows + crop.matrix[1, 2]
    at_x, at_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return _sample(image, at_x, at_y, how)
