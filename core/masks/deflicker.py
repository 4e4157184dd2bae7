"""Masks without flicker: what a frame has, or lacks, against most of the frames around it is taken
away or given back.

The frames around are laid onto the frame first, by the shift under which they agree best, so a
thing may move as fast as it likes: a plain vote pixel by pixel would eat whatever moves on by more
than itself while the vote lasts, and a shift by the centres would follow every piece that flickers.
A part that moves against the rest, such as a leg, has no majority anywhere. It is told from flicker
by this: most frames around have as much that is out of line near by, where flicker is there in few
of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.masks.bounding_box import bounding_box, Mask

_ALIKE = 0.25
"""Overlap over union, once laid upon each other, below which another frame says nothing: it is of
another shot, or of another thing.
"""

_ALIKE_CUT = 0.6
"""The same for what the frame cuts: little is left to tell how the two belong together."""

_BETTER = 0.3  # of the outline, that has to fit before the centres are not believed
_SMALL = np.ones((3, 3), np.uint8)
_COARSE = 32  # pixels along the larger side in which the shift is looked for first
_UNKNOWN = 100  # half of what a pixel of the mask counts
_JITTER = 2  # pixels along an outline that are no part of a thing


def remove_flicker(masks: Sequence[Mask], middle: int) -> Mask:
    """One mask of a run of frames without what flickers in it, by the vote of the others.

    An empty mask stays empty, and one that nothing around looks like stays what it is. Equal votes
    leave a pixel as it was. `masks` are bool (H, W) of consecutive frames, `middle` says which of
    them is wanted; the result is a new array.
    """
    current = masks[middle]
    outer = bounding_box(current)
    if outer is None:
        return current.copy()
    laid = []
    for index, other in enumerate(masks):
        box = bounding_box(other) if index != middle else None
        if box is not None:
            shift = _shift_onto(current, outer, other, box)
            laid.append((other, box, shift))
    room = _room(outer, [(box, shift) for _, box, shift in laid], current.shape)
    own = room.crop(current)
    voters: list[Mask] = []
    knowing: list[Mask] = []
    for other, box, shift in laid:
        moved, known = _moved(other, box, shift, room)
        both, either = np.count_nonzero(moved & own), np.count_nonzero((moved | own) & known)
        if both and both >= (_ALIKE_CUT if outer.touches_border(current.shape) else _ALIKE) * either:
            voters.append(moved)
            knowing.append(known)
    if not voters:
        return current.copy()
    votes = np.sum(voters, axis=0, dtype=np.int16) * 2 - np.sum(knowing, axis=0, dtype=np.int16) + own * 2 - 1
    agreed = (votes > 0) | (own & (votes == 0))
    _keep_what_moves(agreed, own, voters)
    out = np.zeros_like(current)
    room.crop(out)[:] = agreed
    return out


def _keep_what_moves(agreed: Mask, own: Mask, voters: Sequence[Mask]) -> None:
    """Give back to `agreed` those parts of `own` that stand out of it as parts of most of `voters`
    do.
    """
    size = 2 * _JITTER + 1
    near = cv2.dilate(agreed.view(np.uint8), np.ones((size, size), np.uint8)).view(np.bool_)
    if not (own & ~near).any():
        return
    count, labels, facts, _ = cv2.connectedComponentsWithStats((own & ~agreed).view(np.uint8), connectivity=8)
    out_of_line = [voter & ~near for voter in voters]
    areas = np.bincount(labels[own & ~near], minlength=count)
    for label in np.flatnonzero(areas):
        left, top, width, height = (int(value) for value in facts[label][:4])
        reach = max(width, height)
        around = np.s_[max(0, top - reach) : top + height + reach, max(0, left - reach) : left + width + reach]
        alike = sum(2 * np.count_nonzero(part[around]) >= areas[label] for part in out_of_line)
        if 2 * alike >= len(voters):
            agreed |= labels == label


def _shift_onto(current: Mask, outer: Box[int], other: Mask, box: Box[int]) -> tuple[int, int]:
    """By how many whole pixels (y, x) to move `other` onto `current`: centre upon centre, unless
    their outlines meet better elsewhere.

    Where a piece is missing from one of the two, the centres are apart but the rest of the outline
    fits. Where one is the larger, in a thing that comes closer, some shift makes one side of it
    fit, and the centres are right. Of what the frame cuts no centre is.
    """
    (y, x), (other_y, other_x) = _centre(current, outer), _centre(other, box)
    start = (round(y - other_y), round(x - other_x))
    found = _best_shift(current, outer, other, box, start)
    if found == start or outer.touches_border(current.shape) or box.touches_border(other.shape):
        return found
    ys, xs = np.nonzero(outer.crop(current) > cv2.erode(outer.crop(current).view(np.uint8), _SMALL))
    room = box.grow(1, other.shape)
    edge = room.crop(other).view(np.uint8)
    band = np.pad(np.asarray(cv2.dilate(edge, _SMALL) > cv2.erode(edge, _SMALL)), 1)  # a pixel of tolerance

    def met(shift: tuple[int, int]) -> int:
        rows = (ys + outer.y0 - shift[0] - room.y0 + 1).clip(0, band.shape[0] - 1)
        columns = (xs + outer.x0 - shift[1] - room.x0 + 1).clip(0, band.shape[1] - 1)
        return int(np.count_nonzero(band[rows, columns]))

    return found if met(found) - met(start) >= _BETTER * len(ys) else start


def _best_shift(current: Mask, outer: Box[int], other: Mask, box: Box[int], start: tuple[int, int]) -> tuple[int, int]:
    """The shift under which the two disagree least where `current` is, within half the thing's size
    around `start`; coarsely first.

    What lies behind a border that the other mask touches may be of the thing or not, and counts a
    quarter: what leaves does not shrink.
    """
    height, width = max(outer.height, box.height), max(outer.width, box.width)
    coarse = 1
    while coarse * _COARSE < max(height, width):
        coarse *= 2
    reach = [(-(-side // (2 * coarse)) + 1) * coarse for side in (height, width)]
    high, wide = ((-(-side // coarse) + 2) * coarse for side in outer.shape)
    y, x = outer.y0 - coarse, outer.x0 - coarse
    wanted = _window(current, outer, y, x, high, wide)
    wanted[wanted == _UNKNOWN] = 0
    searched = _window(other, box, y - start[0] - reach[0], x - start[1] - reach[1], high + 2 * reach[0], wide + 2 * reach[1])

    top, left = _nearest_least(cv2.matchTemplate(_shrunk(searched, coarse), _shrunk(wanted, coarse), cv2.TM_SQDIFF))
    factor = coarse
    while factor > 1:
        factor //= 2
        home = (reach[0] // factor, reach[1] // factor)
        top, left = _least_around(_shrunk(searched, factor), _shrunk(wanted, factor), 2 * top, 2 * left, home)
    return start[0] + reach[0] - top, start[1] + reach[1] - left


def _centre(mask: Mask, box: Box[int]) -> tuple[float, float]:
    moments = cv2.moments(np.ascontiguousarray(box.crop(mask)).view(np.uint8), binaryImage=True)
    return box.y0 + moments["m01"] / moments["m00"], box.x0 + moments["m10"] / moments["m00"]


def _nearest_least(costs: NDArray) -> tuple[int, int]:
    """Where the least cost is; of several places, the one closest to the middle."""
    ys, xs = np.nonzero(costs <= costs.min() + 1e-3 * max(float(costs.max()), 1.0))
    best = int(((ys - (costs.shape[0] - 1) / 2) ** 2 + (xs - (costs.shape[1] - 1) / 2) ** 2).argmin())
    return int(ys[best]), int(xs[best])


def _least_around(image: NDArray[np.uint8], template: NDArray[np.uint8], y: int, x: int, home: tuple[int, int]) -> tuple[int, int]:
    """Where within two pixels of (y, x), or at `home`, the template lies best; of several places,
    the one closest to `home`.
    """
    height, width = template.shape
    best: tuple[float, float, int, int] = (np.inf, 0.0, y, x)
    tops = range(max(0, y - 2), min(image.shape[0] - height, y + 2) + 1)
    lefts = range(max(0, x - 2), min(image.shape[1] - width, x + 2) + 1)
    for top, left in (home, *product(tops, lefts)):
        cost = round(cv2.norm(image[top : top + height, left : left + width], template, cv2.NORM_L2SQR))
        best = min(best, (cost, float((top - home[0]) ** 2 + (left - home[1]) ** 2), top, left))
    return best[2], best[3]


def _window(mask: Mask, box: Box[int], top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
    """A part of the frame that may reach beyond it: 200 in the mask, 0 beside it, _UNKNOWN beyond
    the borders that it touches.
    """
    out = np.zeros((height, width), np.uint8)
    x0, y0, x1, y1 = _known(mask, box)
    for part in (np.s_[: max(0, y0 - top)], np.s_[max(0, y1 - top) :], np.s_[:, : max(0, x0 - left)], np.s_[:, max(0, x1 - left) :]):
        out[part] = _UNKNOWN
    y0, y1, x0, x1 = max(top, 0), min(top + height, mask.shape[0]), max(left, 0), min(left + width, mask.shape[1])
    if y0 < y1 and x0 < x1:
        np.multiply(mask[y0:y1, x0:x1].view(np.uint8), 200, out=out[y0 - top : y1 - top, x0 - left : x1 - left])
    return out


def _known(mask: Mask, box: Box[int]) -> Box[int]:
    """Where it is known what belongs to the thing: the frame, and beyond each border that the
    mask's box does not touch everything.
    """
    far = 1 << 20
    height, width = mask.shape
    x0, y0 = 0 if box.x0 == 0 else -far, 0 if box.y0 == 0 else -far
    return Box(x0, y0, width if box.x1 == width else far, height if box.y1 == height else far)


def _shrunk(window: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    if factor == 1:
        return window
    size = (window.shape[1] // factor, window.shape[0] // factor)
    return np.asarray(cv2.resize(window, size, interpolation=cv2.INTER_AREA))


def _room(outer: Box[int], laid: Sequence[tuple[Box[int], tuple[int, int]]], shape: tuple[int, ...]) -> Box[int]:
    """The part of the frame that holds `outer` and the other boxes after their shifts (y, x)."""
    for box, (dy, dx) in laid:
        outer = outer.union(box.moved(dx, dy))
    return outer.clipped(shape)


def _moved(mask: Mask, box: Box[int], shift: tuple[int, int], room: Box[int]) -> tuple[Mask, Mask]:
    """The mask after the shift, inside `room`, and where that is known: what came from behind a
    border that it touches is not.
    """
    shape = room.shape
    moved, known = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    top, left = room.y0 - shift[0], room.x0 - shift[1]
    y0, y1, x0, x1 = max(top, 0), min(top + shape[0], mask.shape[0]), max(left, 0), min(left + shape[1], mask.shape[1])
    if y0 < y1 and x0 < x1:
        moved[y0 - top : y1 - top, x0 - left : x1 - left] = mask[y0:y1, x0:x1]
    x0, y0, x1, y1 = _known(mask, box)
    known[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)] = True
    return moved, known
