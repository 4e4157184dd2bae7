"""Drawing an insert on frames: in the light and with the grain of the shot, behind what passes
before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.inserts.carried import CarriedInsert, LaidInsert, SEEN
from core.inserts.light import changed_light, in_range, shot_range
from core.inserts.picture import corner_motion, Laid, lay, lay_moving
from core.inserts.shadow import lay_shadow
from core.render.grain import add_grain, grain_around, LEAST_BOIL, ring_box
from core.render.mixing import blended, not_hidden

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

EVEN = 0.25
"""Of an insert's size: over so much the light on it is even."""
LEAST_EVEN, MOST_EVEN = 5.0, 60.0
"""The same in pixels."""


class InsertDrawer:
    """Draws one insert on frames. What it draws depends on the frame, its keyframe and nothing
    else.
    """

    def __init__(self, laid: LaidInsert, source: Frame, beside: Frame | None) -> None:
        """Look at the keyframe.

        Args:
            laid: The insert as it lies on the keyframe.
            source: uint8 (H, W, 3), the keyframe's frame.
            beside: A neighbouring frame, by which grain is told from texture; None where there is
                none.
        """
        insert = laid.insert
        self._insert, self._picture, self._keyframe, self._source = insert, laid.picture, laid.keyframe, source
        self._corners = np.array(insert.corners, np.float64)
        self._range = shot_range(source)
        self._level = self._grain(beside) if insert.grain and insert.blend == "normal" else 0.0

    def _grain(self, beside: Frame | None) -> float:
        height, width, _ = self._source.shape
        mask = np.zeros((height, width), np.bool_)
        laid = lay(self._picture, self._corners, (width, height))
        if laid is None:
            return 0.0
        mask[laid.box.slices] = laid.alpha > SEEN
        ring = ring_box(mask)
        return grain_around(ring.crop(self._source), ring.crop(mask), None if beside is None else ring.crop(beside))

    def draw(self, index: int, source: Frame, places: Sequence[NDArray[np.float64]], front: Mask | None = None) -> Frame:
        """A frame with the insert.

        Args:
            index: Its number.
            source: uint8 (H, W, 3).
            places: (4, 2) each, where the insert's corners are while the frame is exposed; none
                where it is not to be seen.
            front: bool (H, W), what is before it; None where nothing is.

        Returns:
            A new frame, or `source` itself where the insert lies beside it.
        """
        size = (source.shape[1], source.shape[0])
        if not places:
            return source
        corners = places[len(places) // 2]
        shaded = self._shaded(source, corners, size, front)
        laid = lay_moving(self._picture, places, size)
        if laid is None:
            return shaded
        colours = in_range(laid.colours, *self._range, self._insert.light, self._insert.brightness)
        if index != self._keyframe and self._insert.light and self._insert.follows != "frame":
            colours = colours * (1 + self._insert.light * (self._light(laid, laid.box.crop(source), corners) - 1))[..., None]
        levels = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
        levels = add_grain(levels, laid.alpha, self._level, (0, index), LEAST_BOIL)
        alpha = np.where(laid.alpha > SEEN, laid.alpha * self._insert.opacity, 0)
        if front is not None:
            alpha = alpha * not_hidden(laid.box.crop(front))
        base = laid.box.crop(shaded).astype(np.float32)
        mixed = base + alpha[..., None] * (blended(base, levels.astype(np.float32), self._insert.blend) - base)
        result = shaded.copy()
        result[laid.box.slices] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        return result

    def _shaded(self, source: Frame, corners: NDArray[np.float64], size: tuple[int, int], front: Mask | None) -> Frame:
        """A frame (H, W, 3) with the shadow that the insert casts; the same one where it casts
        none.
        """
        shadow = self._insert.shadow
        fallen = None if shadow is None else lay_shadow(self._picture, corners, shadow, size)
        if fallen is None:
            return source
        box, amount = fallen
        if front is not None:
            amount = amount * not_hidden(box.crop(front))
        dark = box.crop(source) * (1 - self._insert.opacity * amount[..., None])
        result = source.copy()
        result[box.slices] = np.rint(dark).astype(np.uint8)
        return result

    def _light(self, laid: Laid, below: Frame, corners: NDArray[np.float64]) -> Floats:
        """The light on the part of a frame that it lies in, as a share of that on the keyframe."""
        to_box = np.array([[1, 0, -laid.box.x0], [0, 1, -laid.box.y0], [0, 0, 1]], np.float64)
        motion = to_box @ corner_motion(self._corners, corners)
        size = (laid.box.width, laid.box.height)
        said = cv2.warpPerspective(self._source, motion, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        reach = float(np.clip(EVEN * min(size), LEAST_EVEN, MOST_EVEN))
        return changed_light(below, np.asarray(said, np.uint8), reach)


def shown_alpha(carried: CarriedInsert, index: int, size: tuple[int, int]) -> Floats:
    """How much of each pixel of a frame is the insert itself, without its shadow.

    Args:
        carried: The insert.
        index: Number of the frame.
        size: (W, H) of the frame.

    Returns:
        (H, W) in [0, 1].
    """
    shown = np.zeros((size[1], size[0]), np.float32)
    laid = lay_moving(carried.picture, carried.places(index, size), size)
    if laid is None:
        return shown
    alpha = np.where(laid.alpha > SEEN, laid.alpha * carried.insert.opacity, 0)
    front = carried.before(index)
    if front is not None:
        alpha = alpha * not_hidden(laid.box.crop(front))
    shown[laid.box.slices] = alpha
    return shown
