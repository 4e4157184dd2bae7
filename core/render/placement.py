"""A picture that another program made of a frame, laid on that frame again: brought to its size,
moved into place, compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ShapeError
from core.project.edits import Fit

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Likeness = Literal["same", "changed", "another", "unknown"]

SHAPE = 0.01
"""Shapes that agree within this share are the same: the picture is only resized."""
FARTHEST = 0.06
"""The most that a picture is moved, as a share of the frame's longer side."""
LEAST = 0.2
"""Pixels: shifts below this are none."""
GAIN = 0.9
"""A shift has to bring the difference outside the mask down to this share of what it was."""
GRID = 1280
"""Shifts are measured on pictures of this width at most."""
COARSE, FINE = 320, 640
"""Sizes are looked for, and then measured, on pictures of these widths at most."""
MOST_SCALED = 0.1
STEP = 0.005
"""Sizes are looked for up to so far apart, in steps of so much."""
ALIKE = 3.0
"""8-bit levels on average outside the mask up to which two pictures lie on each other: files are
compressed.
"""
SURE = 0.6
"""Another size has to bring the difference outside the mask down to this share of what a shift
leaves.
"""
SEEN = 20
"""8-bit levels of a smoothed difference from which on a person sees it."""
FEW = 0.01
"""Up to this share of pixels that differ, the picture is the same: brushes have soft edges, files
are compressed.
"""
MANY = 0.25
UNLIKE = 0.6
"""A picture is another one when more than MANY pixels differ and its greys correlate with the
frame's by less than UNLIKE.
"""


@dataclass(frozen=True)
class Placed:
    """The picture on the frame's grid, uint8 (H, W, 3): the frame itself where the picture does not
    reach or is transparent.

    `covered` bool (H, W) says where the picture is; `resized`, `scale` (about the middle, beyond
    the resizing) and `shift` (x, y in pixels of the frame) how it got there.
    """

    picture: Picture
    covered: Mask
    resized: bool
    shift: tuple[float, float]
    scale: float = 1.0


@dataclass(frozen=True)
class Comparison:
    """How a placed picture compares with the frame outside the mask: `mean` absolute difference in
    8-bit levels, the `share` of pixels whose difference is seen, and what that means; `unknown`
    where there is nothing to compare.
    """

    likeness: Likeness
    mean: float
    share: float


def place(frame: Picture, picture: Picture, alpha: NDArray[np.uint8], mask: Mask, fit: Fit = "same", align: bool = True) -> Placed:
    """Lay `picture` (h, w, 3) with `alpha` (h, w) on `frame` (H, W, 3), of which `mask` (H, W) was
    to be edited.

    Of the frame's size it is taken as it is; of its shape it is resized. Of another shape it is put
    wholly inside the frame (`fit`), over all of it (`cover`) or pulled to its shape (`stretch`);
    with `same` that is a ShapeError, which names the three. With `align`, a small shift against the
    frame, and a small crop or border, are found outside the mask and undone.

    Args:
        frame: uint8 (H, W, 3).
        picture: uint8 (h, w, 3).
        alpha: uint8 (h, w), its opacity.
        mask: bool (H, W), what was to be edited.
        fit: How a picture of another shape is laid on the frame.
        align: Whether to undo a small shift.

    Returns:
        The frame with the picture on it, and what was done.

    Raises:
        ShapeError: The picture has another shape, and `fit` is `same`.
    """
    size = (frame.shape[1], frame.shape[0])
    own = (picture.shape[1], picture.shape[0])
    laid, opacity = _resized(picture, alpha, size, fit)
    scale, shift = _moved(frame, laid, (opacity > 0) & ~mask) if align else (1.0, (0.0, 0.0))
    if (scale, shift) != (1.0, (0.0, 0.0)):
        matrix = _matrix(size, scale, shift)
        laid = np.asarray(cv2.warpAffine(laid, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        opacity = np.asarray(cv2.warpAffine(opacity, matrix, size, flags=cv2.INTER_LINEAR, borderValue=0), np.uint8)
    weight = opacity[..., None].astype(np.float32) / 255
    base = frame.astype(np.float32)
    mixed = np.rint(base + weight * (laid.astype(np.float32) - base)).astype(np.uint8)
    return Placed(mixed, opacity > 0, own != size, shift, scale)


def compare_outside(frame: Picture, placed: Placed, mask: Mask) -> Comparison:
    """Whether the placed picture is the frame's outside `mask`, up to what soft brushes and
    compression do.

    Args:
        frame: uint8 (H, W, 3).
        placed: What `place` gave.
        mask: bool (H, W).

    Returns:
        How alike they are.
    """
    rim = max(2, round(max(mask.shape) * 0.006))
    area = placed.covered & (cv2.dilate(mask.astype(np.uint8), np.ones((2 * rim + 1,) * 2, np.uint8)) == 0)
    if area.sum() < 256:
        return Comparison("unknown", 0.0, 0.0)
    difference = frame.astype(np.float32) - placed.picture
    mean = float(np.abs(difference[area]).mean())
    smooth = np.abs(cv2.GaussianBlur(difference, (0, 0), max(1.0, max(mask.shape) / 640))).max(-1)
    share = float((smooth[area] > SEEN).mean())
    if share <= FEW:
        return Comparison("same", mean, share)
    greys = [np.asarray(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY))[area].astype(np.float64) for p in (frame, placed.picture)]
    spread = [float(grey.std()) for grey in greys]
    alike = float(np.corrcoef(*greys)[0, 1]) if min(spread) > 1 else 0.0
    return Comparison("another" if share > MANY and alike < UNLIKE else "changed", mean, share)


def _resized(picture: Picture, alpha: NDArray[np.uint8], size: tuple[int, int], fit: Fit) -> tuple[Picture, NDArray[np.uint8]]:
    """The picture and its opacity on a canvas of (width, height); opacity 0 where it does not
    reach.
    """
    width, height = size
    own_height, own_width = picture.shape[:2]
    if (own_width, own_height) == size:
        return picture, alpha
    across, down = width / own_width, height / own_height
    if abs(across / down - 1) > SHAPE and fit == "same":
        raise ShapeError(
            f"the picture is {own_width}x{own_height}, the frame {width}x{height}: say whether to fit it in, to cover the frame with it or "
            "to stretch it"
        )
    if abs(across / down - 1) > SHAPE and fit != "stretch":
        across = down = min(across, down) if fit == "fit" else max(across, down)
    inner = (max(1, round(own_width * across)), max(1, round(own_height * down)))
    if abs(across / down - 1) <= SHAPE and fit == "same":
        inner = size
    way = cv2.INTER_AREA if across < 1 or down < 1 else cv2.INTER_CUBIC
    scaled, opacity = np.asarray(cv2.resize(picture, inner, interpolation=way)), np.asarray(cv2.resize(alpha, inner, interpolation=way))
    laid, reach = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    here = np.s_[max(0, top) : max(0, top) + min(height, inner[1]), max(0, left) : max(0, left) + min(width, inner[0])]
    there = np.s_[max(0, -top) : max(0, -top) + min(height, inner[1]), max(0, -left) : max(0, -left) + min(width, inner[0])]
    laid[here], reach[here] = scaled[there], opacity[there]
    return laid, reach


def _moved(frame: Picture, laid: Picture, area: Mask) -> tuple[float, tuple[float, float]]:
    """How much to scale `laid` about its middle, and then how far to move it in pixels (x, y), so
    that it agrees with `frame` in `area`; 1 and (0, 0) when that would not help.
    """
    height, width = area.shape
    ratio = min(1.0, GRID / max(width, height))
    still, moved, valid = _greys(frame, laid, area, ratio)
    before = _difference(still, moved, valid)
    if valid.sum() < 1024 or before < 0.5:
        return 1.0, (0.0, 0.0)
    shift = _shift(still, moved, valid)
    # a whole number of pixels moves the picture without softening it
    x, y = (round(v / ratio) if abs(v / ratio - round(v / ratio)) < 0.15 else round(v / ratio, 2) for v in shift)
    after = _difference(still, _warped(moved, 1.0, shift), valid)
    if max(abs(x), abs(y)) < LEAST or after >= GAIN * before:
        x, y, after = 0.0, 0.0, before
    if after > ALIKE:
        coarse, fine = (_greys(frame, laid, area, min(ratio, side / max(width, height))) for side in (COARSE, FINE))
        scale = _scale(coarse, fine)
        shift = _shift(still, _warped(moved, scale), valid)
        if scale != 1.0 and _difference(still, _warped(moved, scale, shift), valid) < SURE * after:
            return scale, (round(shift[0] / ratio, 2), round(shift[1] / ratio, 2))
    return 1.0, (float(x), float(y))


def _greys(frame: Picture, laid: Picture, area: Mask, ratio: float) -> tuple[NDArray, NDArray, NDArray]:
    """Both pictures in grey, float32, and where they can be compared, uint8, all made smaller by
    `ratio`.
    """
    height, width = area.shape
    small = (max(8, round(width * ratio)), max(8, round(height * ratio)))
    still, moved = (
        np.asarray(cv2.resize(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), small, interpolation=cv2.INTER_AREA), np.float32) for p in (frame, laid)
    )
    valid = np.asarray(cv2.resize(area.astype(np.uint8), small, interpolation=cv2.INTER_NEAREST))
    return still, moved, np.asarray(cv2.erode(valid, np.ones((5, 5), np.uint8)))


def _shift(still: NDArray, moved: NDArray, valid: NDArray) -> tuple[float, float]:
    """How far to move `moved` so that it agrees with `still` where that is `valid`; (0, 0) when
    that can't be told.
    """
    size = still.shape[::-1]
    farthest = FARTHEST * max(size)
    x, y = _guessed(still, moved, valid)
    matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32) if max(abs(x), abs(y)) <= farthest else np.eye(2, 3, dtype=np.float32)
    try:
        stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
        _, found = cv2.findTransformECC(still, moved, matrix, cv2.MOTION_TRANSLATION, stop, valid, 5)
    except cv2.error:  # no agreement at all: not the same picture, or nothing to hold on to
        return 0.0, 0.0
    x, y = -float(found[0, 2]), -float(found[1, 2])
    return (x, y) if max(abs(x), abs(y)) <= farthest else (0.0, 0.0)


def _guessed(still: NDArray, moved: NDArray, valid: NDArray) -> tuple[float, float]:
    """About how far to move `moved`, from all of the picture at once."""
    seen = cv2.GaussianBlur(valid.astype(np.float32), (0, 0), 3)  # a hard edge of the hole would be the strongest edge of both
    details = [(p - cv2.GaussianBlur(p, (0, 0), 12)) * seen for p in (still, moved)]
    (x, y), _ = cv2.phaseCorrelate(details[1], details[0], cv2.createHanningWindow(still.shape[::-1], cv2.CV_32F))
    return x, y


def _scale(coarse: tuple[NDArray, NDArray, NDArray], fine: tuple[NDArray, NDArray, NDArray]) -> float:
    """How much to scale the second picture about its middle so that, moved, it agrees with the
    first where the third says that it can be compared: looked for up to MOST_SCALED apart in
    `coarse` ones, where there is room for error, then in `fine` ones. 1 when none does.
    """
    still, moved, valid = coarse
    found: dict[float, float] = {}
    for scale in (1.0, *np.arange(1 - MOST_SCALED, 1 + MOST_SCALED + STEP / 2, STEP)):
        scaled = _warped(moved, scale)
        found[float(scale)] = _difference(still, _warped(moved, scale, _guessed(still, scaled, valid)), valid)
    near = min(found, key=lambda scale: found[scale])
    if found[near] >= GAIN * found[1.0]:
        return 1.0
    still, moved, valid = fine
    found, step = {}, STEP
    while step > STEP / 20:
        step /= 3
        for scale in (near - 2 * step, near - step, near, near + step, near + 2 * step):
            if scale not in found:
                found[scale] = _difference(still, _warped(moved, scale, _shift(still, _warped(moved, scale), valid)), valid)
        near = min(found, key=lambda scale: found[scale])
    return near


def _matrix(size: tuple[int, int], scale: float, shift: tuple[float, float]) -> NDArray[np.float32]:
    """Scales a picture of (W, H) about its middle, then moves it."""
    middle = [(side - 1) / 2 for side in size]
    return np.array([[scale, 0, middle[0] * (1 - scale) + shift[0]], [0, scale, middle[1] * (1 - scale) + shift[1]]], np.float32)


def _warped(picture: NDArray, scale: float, shift: tuple[float, float] = (0.0, 0.0)) -> NDArray:
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.warpAffine(picture, _matrix(size, scale, shift), size, borderMode=cv2.BORDER_REPLICATE))


def _difference(one: NDArray, other: NDArray, valid: NDArray) -> float:
    return float(np.abs(one - other)[valid > 0].mean()) if valid.any() else 0.0
