"""The accepted picture carried to the frames after it: its detail and colour, along the masks' motion and the model's own.

A small model redraws what it was given softly, in cells of its latent grid, and its colours wander from window to window. The picture
that a person accepted has the detail and the colour; the model knows how the thing moves and how its light changes. So every frame shows
the picture moved by the mask's box and by the optical flow between the model's own frames, shaded as the model shades it, and the model's
own pixels where the two do not agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks import bounding_span
from core.masks import feather as feathered
from core.render.composite import composite
from core.render.region import CropRegion
from core.render.visible import visible_edit
from core.vivid.motion import motion, Span

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

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
    """A finished frame: picture uint8 (H, W, 3), mask bool (H, W), and how much of each pixel the edit is, (H, W) in [0, 1]."""

    picture: Picture
    mask: Mask
    shown: NDArray[np.float32]

    @classmethod
    def of(cls, picture: Picture, under: Picture, mask: Mask) -> Accepted:
        """What `picture` shows of an edit laid over `under`: see `visible_edit`."""
        shown = np.zeros(mask.shape, np.float32)
        span = bounding_span(mask)
        if span is not None:
            area = _grown(span, mask.shape)
            shown[area] = visible_edit(picture[area], under[area], mask[area])
        return cls(picture, mask, shown)

    def colour(self) -> NDArray[np.float64] | None:
        """Mean RGB of what the edit shows; None when it shows nothing."""
        return _mean(self.picture, self.shown)


class Carrier:
    """Carries one accepted frame through the frames of a window."""

    def __init__(
        self, accepted: Accepted, span: Span, crop: CropRegion, redrawn: Picture, colour: NDArray[np.float64] | None, feather: int
    ) -> None:
        """`span` is the box of the accepted frame's mask, `crop` and `redrawn` (h, w, 3) what the model saw and made of that frame;
        `colour` is the mean that the edit keeps (`Accepted.colour` of the keyframe)."""
        self._accepted, self._span, self._crop, self._colour, self._feather = accepted, span, crop, colour, feather
        self._redrawn = redrawn
        seen = crop.cut(accepted.picture)
        residual = seen.astype(np.float32) - redrawn
        self._shown = crop.cut((accepted.shown * 255).astype(np.uint8)).astype(np.float32) / 255
        self._offset = cv2.GaussianBlur(residual, (0, 0), SMOOTH)
        inside = self._shown > 0.5
        error = np.abs(residual).mean(-1)[inside].mean() if inside.any() else 0.0
        self._tolerance = max(6.0, TRUST * float(error))
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._correction = np.zeros(3)

    def onto(self, source: Picture, under: Picture, mask: Mask, span: Span, crop: CropRegion, redrawn: Picture) -> Picture:
        """The finished frame for `source` (H, W, 3), equal to it outside `mask`. `redrawn` (h, w, 3) is the model's answer at `crop`.

        `span` is the box of the mask, as the motion is to be read from it; `under` (H, W, 3) shows around the edit, inside the mask.
        """
        box = bounding_span(mask)
        if box is None:
            return source
        area = np.s_[box[0] : box[1], box[2] : box[3]]
        forward = motion(self._span, span, mask.shape)
        flow, shade, trust, offset = self._compare(crop, redrawn, forward)

        scale = np.array([crop.width / flow.shape[1], crop.height / flow.shape[0]], np.float32)
        spread = _spread(flow * scale, crop, area)
        rows, columns = np.mgrid[area].astype(np.float32)
        x, y = columns + spread[..., 0], rows + spread[..., 1]
        back = np.linalg.inv(forward)
        at_x = (back[0, 0] * x + back[0, 2]).astype(np.float32)
        at_y = (back[1, 1] * y + back[1, 2]).astype(np.float32)
        carried = _sample(self._accepted.picture, at_x, at_y, cv2.INTER_CUBIC)
        shown = _sample(self._accepted.shown, at_x, at_y, cv2.INTER_LINEAR)

        sure = _spread(trust, crop, area)[..., None]
        model = _spread(redrawn.astype(np.float32) + offset, crop, area, cv2.INTER_CUBIC)
        edit = sure * (carried + _spread(shade, crop, area)) + (1 - sure) * model
        edit += self._anchor(edit, shown * mask[area])
        pixels = np.clip(np.rint(edit), 0, 255).astype(np.uint8)
        edited = composite(under[area], pixels, shown * mask[area])
        result = source.copy()
        # What is replaced must not come back at the region's edge: only the edit itself is softened there.
        soft = np.where((under[area] != source[area]).any(-1), mask[area].astype(np.float32), feathered(mask, self._feather)[area])
        result[area] = composite(source[area], edited, soft)
        return result

    def _compare(self, crop: CropRegion, redrawn: Picture, forward: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """At the model's size: flow from the frame to the box's motion, the model's change of light, trust in the carried picture, and the
        offset between the model's redrawing and the picture."""
        height, width = redrawn.shape[:2]
        matrix = crop.matrix @ forward @ np.linalg.inv(self._crop.matrix)

        def moved(image: NDArray) -> NDArray:
            return cv2.warpAffine(image, matrix[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

        before, shown = moved(self._redrawn), moved(self._shown)
        near = cv2.dilate((shown > 0.1).astype(np.uint8), np.ones((5, 5), np.uint8))[..., None] > 0
        # Where the edit doesn't show both are the same: what moves behind it must not pull at it.
        gray = [np.asarray(cv2.cvtColor(np.where(near, picture, redrawn), cv2.COLOR_RGB2GRAY)) for picture in (redrawn, before)]
        flow = self._flow.calc(gray[0], gray[1], np.zeros((height, width, 2), np.float32))
        flow = cv2.GaussianBlur(np.asarray(flow, np.float32), (0, 0), SMOOTH)
        length = np.maximum(np.linalg.norm(flow, axis=-1, keepdims=True), 1e-6)
        flow *= np.minimum(1, FAR / length)
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        at = columns + flow[..., 0], rows + flow[..., 1]
        aligned = _sample(before, *at, cv2.INTER_LINEAR)
        shown = _sample(shown, *at, cv2.INTER_LINEAR)
        change = redrawn.astype(np.float32) - aligned
        weight = cv2.GaussianBlur(shown, (0, 0), SMOOTH)[..., None]
        shade = cv2.GaussianBlur(change * shown[..., None], (0, 0), SMOOTH) / np.maximum(weight, 1e-3)
        trust = np.exp(-((np.abs(shade).mean(-1) / self._tolerance) ** 2)).astype(np.float32)
        mean = (shade * shown[..., None]).sum((0, 1)) / max(float(shown.sum()), 1e-6)
        offset = _sample(moved(self._offset), *at, cv2.INTER_LINEAR) * weight
        return flow, np.clip(shade - mean, -SHADE, SHADE), trust, offset

    def _anchor(self, edit: NDArray[np.float32], shown: NDArray[np.float32]) -> NDArray[np.float32]:
        """What brings the mean colour of the edit to the keyframe's, without a jump from the last frame."""
        own = _mean(edit, shown)
        if own is not None and self._colour is not None:
            wanted = np.clip(self._colour - own, -DRIFT, DRIFT)
            self._correction = wanted if not self._correction.any() else INERTIA * self._correction + (1 - INERTIA) * wanted
        return self._correction.astype(np.float32)


def _mean(picture: NDArray, weight: NDArray[np.float32]) -> NDArray[np.float64] | None:
    total = float(weight.sum(dtype=np.float64))
    if total < 4:
        return None
    return np.tensordot(weight.astype(np.float64), picture.astype(np.float64), ((0, 1), (0, 1))) / total


def _sample(picture: NDArray, x: NDArray[np.float32], y: NDArray[np.float32], how: int) -> NDArray:
    return cv2.remap(picture, x, y, how, borderMode=cv2.BORDER_REPLICATE)


def _spread(image: NDArray[np.float32], crop: CropRegion, area: tuple[slice, slice], how: int = cv2.INTER_LINEAR) -> NDArray[np.float32]:
    """The part of an image at the model's size that lies on `area` of the frame, at the frame's resolution."""
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in area)
    x, y = crop.matrix[0, 0] * columns + crop.matrix[0, 2], crop.matrix[1, 1] * rows + crop.matrix[1, 2]
    at_x, at_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return _sample(image, at_x, at_y, how)


def _grown(span: tuple[int, int, int, int], shape: tuple[int, ...], pixels: int = 24) -> tuple[slice, slice]:
    y0, y1, x0, x1 = span
    return np.s_[max(y0 - pixels, 0) : min(y1 + pixels, shape[0]), max(x0 - pixels, 0) : min(x1 + pixels, shape[1])]
