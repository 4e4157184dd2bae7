"""The accepted keyframe warped to the frames after it: its detail and colour, along the masks'
motion and the model's own.

A small model redraws what it was given softly, in cells of its latent grid, and its colours wander
from window to window. The picture that a person accepted has the detail and the colour; the model
knows how the object moves and how its light changes. So every frame shows the picture moved by the
mask's box and by the optical flow between the model's own frames, shaded as the model shades it,
and the model's own pixels where the two do not agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.masks import bounding_box, Widths
from core.propagation.mask_motion import box_motion, limit_stretch, Margins, NO_MARGINS, STRETCH
from core.propagation.warp_state import is_upright, Positions, positions_of, transform, WarpState
from core.render.composite import composite, soft_edge
from core.render.edit_alpha import edit_alpha, remove_background_bleed
from core.render.flow import DenseFlow, sample
from core.render.grain import add_grain, LEAST_BOIL
from core.render.region import CropRegion

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SURROUNDINGS = 24
"""Pixels around the mask's box in which the edit is told from its background."""
MOST_FLOW = 8.0
"""Pixels of the model by which its optical flow may add to the motion of the mask's box."""
SMOOTH = 2.5
"""Pixels of the model over which its frames are compared: above its own noise, below what a shadow
takes.
"""
MOST_SHADE = 24.0
"""The most that the model's light moves the warped keyframe, in 8-bit levels."""
MOST_COLOUR_SHIFT = 48.0
"""The most that a frame's mean colour is moved to the keyframe's, in 8-bit levels."""
TRUST = 2.5
"""The warped keyframe fades where it differs from the model's answer by so many times what the
model's own redrawing does.
"""
SOLID = 0.98
"""Share of the edit from which a pixel at the region's edge shows nothing else."""
INERTIA = 0.6
"""How much of a frame's colour correction is that of the frame before it."""


@dataclass(frozen=True)
class AcceptedKeyframe:
    """The keyframe as it is warped.

    Attributes:
        picture: (H, W, 3), without the colour of the old background at the edges of the edit.
        mask: (H, W), True = edit.
        alpha: (H, W) in [0, 1], how much of each pixel is the edit.
        box: The mask's box, as far beyond the frame as is known of what its border crops.
        stretch: How many times more it may grow in one direction than in the other.
    """

    picture: Frame
    mask: Mask
    alpha: NDArray[np.float32]
    box: Box[float]
    stretch: float = STRETCH

    @classmethod
    def of(cls, picture: Frame, background: Frame, mask: Mask, box: Box[float], stretch: float = STRETCH) -> AcceptedKeyframe:
        """Tell the edit from what it was laid over.

        Args:
            picture: The accepted picture, (H, W, 3).
            background: (H, W, 3), the frame without the edit.
            mask: (H, W), True = edit.
            box: The mask's box, with its amodal extent.
            stretch: How many times more it may grow in one direction than in the other.

        Returns:
            The keyframe with its `edit_alpha`.
        """
        alpha = np.zeros(mask.shape, np.float32)
        seen = bounding_box(mask)
        if seen is not None:
            area = seen.grow(SURROUNDINGS, mask.shape).slices
            alpha[area] = edit_alpha(picture[area], background[area], mask[area], rim=False)
            picture = picture.copy()
            picture[area] = remove_background_bleed(picture[area], alpha[area])
        return cls(picture, mask, alpha, box, stretch)

    @property
    def margins(self) -> Margins:
        """How far what shows stays away from the box's sides."""
        seen, box = bounding_box(self.alpha > 0.5), self.box
        if seen is None:
            return NO_MARGINS
        return (
            (seen.x0 - box.x0) / box.width,
            (seen.y0 - box.y0) / box.height,
            (box.x1 - seen.x1) / box.width,
            (box.y1 - seen.y1) / box.height,
        )


@dataclass(frozen=True)
class WarpTarget:
    """A frame that is to show the keyframe.

    Attributes:
        source: The frame, (H, W, 3).
        background: (H, W, 3), what shows around the edit, inside the mask.
        mask: (H, W), True = edit.
        feather: How wide the mask's edge is.
        box: The mask's box, as its motion is to be read from it; may go beyond the frame.
        crop: What the model saw of the frame.
        redrawn: (h, w, 3), what it made of that.
        motion: 3x3, how what is replaced moved from the conditioning frame to this one; None where
            the mask's box has to tell.
        grain: Level of film grain that the edit gets, in 8-bit levels.
        grain_seed: The same seed draws the same grain.
    """

    source: Frame
    background: Frame
    mask: Mask
    feather: Widths
    box: Box[float]
    crop: CropRegion
    redrawn: Frame
    motion: NDArray[np.float64] | None = None
    grain: float = 0.0
    grain_seed: tuple[int, ...] = (0,)


class KeyframeWarper:
    """Warps the keyframe into the frames of a window.

    Attributes:
        state: The way from the keyframe to the frame that was made last.
    """

    def __init__(
        self,
        keyframe: AcceptedKeyframe,
        state: WarpState,
        conditioning: Frame,
        crop: CropRegion,
        redrawn: Frame,
        keyframe_weight: float = 0.0,
        goes_on: bool = False,
    ) -> None:
        """Start from the conditioning frame of a window.

        Args:
            keyframe: The accepted keyframe.
            state: The way from it to the conditioning frame.
            conditioning: (H, W, 3), the finished frame that the window goes on from.
            crop: What the model saw of it.
            redrawn: (h, w, 3), what the model made of that.
            keyframe_weight: The least share of the keyframe within what it shows, 0 to 1
                (`VideoEngine.keyframe_weight`). Of the model's light the rest counts.
            goes_on: Whether the conditioning frame was finished by a window before, and isn't the
                keyframe itself.
        """
        self._goes_on = goes_on
        self._keyframe, self._start, self._crop, self._least = keyframe, state, crop, keyframe_weight
        self._redrawn = redrawn
        self.state = state
        # Looked at in the model's size, the keyframe must not alias.
        coarse = crop.width / redrawn.shape[1]
        self._soft = cv2.GaussianBlur(keyframe.picture, (0, 0), coarse / 2) if coarse > 1 else keyframe.picture
        residual = crop.crop(conditioning).astype(np.float32) - redrawn
        self._alpha = self._alpha_at(state.origin(*positions_of(crop)))
        self._offset = cv2.GaussianBlur(residual, (0, 0), SMOOTH)
        inside = self._alpha > 0.5
        error = np.abs(residual).mean(-1)[inside].mean() if inside.any() else 0.0
        self._tolerance = max(6.0, TRUST * float(error))
        self._flow = DenseFlow()

    def warp(self, target: WarpTarget) -> Frame:
        """The finished frame (H, W, 3), equal to the target's source outside its mask."""
        seen, mask, crop = bounding_box(target.mask), target.mask, target.crop
        if seen is None:
            return target.source
        area = seen.slices
        forward = target.motion if target.motion is not None else box_motion(self._start.box, target.box, (mask.shape[0], mask.shape[1]))
        state, offset = self._advance(target, forward)
        answer = target.redrawn.astype(np.float32) + offset
        edge = soft_edge(mask, target.feather)
        shade, trust = self._compare(state, answer, edge)

        rows, columns = np.mgrid[area].astype(np.float32)
        origin = state.origin(columns, rows)
        warped = sample(self._keyframe.picture, *origin, cv2.INTER_CUBIC)
        alpha = self._alpha_at(origin) * mask[area]
        share = _enlarge(trust, crop, area)[..., None]
        model = _enlarge(answer, crop, area, cv2.INTER_CUBIC)
        edit = share * (warped + _enlarge(shade, crop, area)) + (1 - share) * model
        self.state = replace(state, colour_shift=self._colour_shift(edit, warped, alpha * self._on_keyframe(origin)))
        pixels = np.clip(np.rint(edit + self.state.colour_shift.astype(np.float32)), 0, 255).astype(np.uint8)
        pixels = add_grain(pixels, alpha, target.grain, target.grain_seed, LEAST_BOIL)
        # What is replaced must not come back at the region's edge: the edit fades into what hides
        # it.
        edited = composite(target.background[area], pixels, alpha * edge[area])
        result = target.source.copy()
        result[area] = np.where(mask[area][..., None], edited, target.source[area])
        return result

    def _advance(self, target: WarpTarget, forward: NDArray[np.float64]) -> tuple[WarpState, NDArray[np.float32]]:
        """The state of a frame, and the offset (h, w, 3) between the model's redrawing and the
        pictures: by the motion from the conditioning frame, `forward`, and what the model's frames
        differ from it by.
        """
        crop, redrawn = target.crop, target.redrawn
        height, width = redrawn.shape[:2]
        matrix = crop.matrix @ forward @ np.linalg.inv(self._crop.matrix)

        def moved(image: NDArray) -> NDArray:
            if not is_upright(matrix):
                return cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            return cv2.warpAffine(image, matrix[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

        before, alpha = moved(self._redrawn), moved(self._alpha)
        near = cv2.dilate((alpha > 0.1).astype(np.uint8), np.ones((5, 5), np.uint8))[..., None] > 0
        # Where the edit doesn't show both are the same: what moves behind it must not pull at it.
        gray = [np.asarray(cv2.cvtColor(np.where(near, picture, redrawn), cv2.COLOR_RGB2GRAY), np.uint8) for picture in (redrawn, before)]
        flow = cv2.GaussianBlur(self._flow.between(*gray), (0, 0), SMOOTH)
        length = np.maximum(np.linalg.norm(flow, axis=-1, keepdims=True), 1e-6)
        flow *= np.minimum(1, MOST_FLOW / length)
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        at = columns + flow[..., 0], rows + flow[..., 1]
        weight = cv2.GaussianBlur(sample(alpha, *at, cv2.INTER_LINEAR), (0, 0), SMOOTH)[..., None]
        offset = np.asarray(sample(moved(self._offset), *at, cv2.INTER_LINEAR) * weight, np.float32)

        x, y = positions_of(crop)
        boxes = forward @ self._start.box_motion
        # Whatever the outline does, a ball stays a ball.
        follows = target.motion is not None or not is_upright(self._start.matrix)
        whole = forward @ self._start.matrix if follows else limit_stretch(boxes, target.box, self._keyframe.stretch)
        conditioning = transform(self._start.matrix @ np.linalg.inv(crop.matrix @ whole), *at)
        reached = transform(whole, *self._start.origin(*conditioning))
        offsets = np.stack([reached[0] - x, reached[1] - y], -1)
        return WarpState(target.box, crop, whole, boxes, offsets, self.state.colour_shift), offset

    def _compare(
        self, state: WarpState, answer: NDArray[np.float32], edge: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """At the model's size: the light that its answer (h, w, 3) puts on the warped keyframe, and
        the trust in the warped keyframe.

        Where the edit fades out, as `edge` (H, W) says, a model that was shown a finished frame
        answers with a mixture. Taken for light, it would make the middle brighter or darker with
        each window. The keyframe's own edge is part of what it is compared with.
        """
        origin = state.origin(*positions_of(state.crop))
        # What the border hid on the keyframe only the model can tell.
        on_keyframe = self._on_keyframe(origin)
        alpha = (self._alpha_at(origin) * on_keyframe)[..., None]
        if self._goes_on:
            alpha *= (sample(edge, *positions_of(state.crop), cv2.INTER_LINEAR) > SOLID)[..., None]
        change = answer - sample(self._soft, *origin, cv2.INTER_LINEAR)
        weight = cv2.GaussianBlur(alpha, (0, 0), SMOOTH)[..., None]
        shade = cv2.GaussianBlur(change * alpha, (0, 0), SMOOTH) / np.maximum(weight, 1e-3)
        trust = np.exp(-((np.abs(shade).mean(-1) / self._tolerance) ** 2)).astype(np.float32)
        mean = (shade * alpha).sum((0, 1)) / max(float(alpha.sum()), 1e-6)
        light = (1 - self._least) * np.clip(shade - mean, -MOST_SHADE, MOST_SHADE)
        return light, np.maximum(trust, self._least) * on_keyframe

    def _alpha_at(self, origin: Positions) -> NDArray[np.float32]:
        """How much the edit shows at positions in the keyframe. What its border crops goes on
        beyond, as far as that is known.
        """
        x, y = origin
        x0, y0, x1, y1 = self._keyframe.box
        height, width = self._keyframe.mask.shape
        inside = np.ones(x.shape, np.float32)
        # Pixel centres lie at whole numbers here, sides at halves before them. A side that stays on
        # the border is not known.
        for beyond, reach in ((y0 < 0, y - y0), (y1 > height, y1 - 1 - y), (x0 < 0, x - x0), (x1 > width, x1 - 1 - x)):
            if beyond:
                inside = np.minimum(inside, np.clip(reach + 1, 0, 1))
        return sample(self._keyframe.alpha, x, y, cv2.INTER_LINEAR) * inside

    def _on_keyframe(self, origin: Positions) -> NDArray[np.float32]:
        """1 where a position lies inside the keyframe's picture, 0 beyond its border."""
        height, width = self._keyframe.mask.shape
        inside = (origin[0] > -1) & (origin[0] < width) & (origin[1] > -1) & (origin[1] < height)
        return inside.astype(np.float32)

    def _colour_shift(self, edit: NDArray[np.float32], warped: NDArray, alpha: NDArray[np.float32]) -> NDArray[np.float64]:
        """What brings the mean colour of the edit to that of the part of the keyframe that it
        shows, without a jump from the last frame.
        """
        last = self.state.colour_shift
        own, accepted = _mean(edit, alpha), _mean(warped, alpha)
        if own is None or accepted is None:
            return last
        wanted = np.clip(accepted - own, -MOST_COLOUR_SHIFT, MOST_COLOUR_SHIFT)
        return wanted if not last.any() else INERTIA * last + (1 - INERTIA) * wanted


def _mean(picture: NDArray, weight: NDArray[np.float32]) -> NDArray[np.float64] | None:
    total = float(weight.sum(dtype=np.float64))
    if total < 4:
        return None
    return np.tensordot(weight.astype(np.float64), picture.astype(np.float64), ((0, 1), (0, 1))) / total


def _enlarge(image: NDArray[np.float32], crop: CropRegion, area: tuple[slice, slice], how: int = cv2.INTER_LINEAR) -> NDArray[np.float32]:
    """The part of an image at the model's size that lies on `area` of the frame, at the frame's
    resolution.
    """
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in area)
    x, y = crop.matrix[0, 0] * columns + crop.matrix[0, 2], crop.matrix[1, 1] * rows + crop.matrix[1, 2]
    at_x, at_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return sample(image, at_x, at_y, how)
