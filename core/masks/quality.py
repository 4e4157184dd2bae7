"""Which frames of a track a person should look at: where the mask does something that a thing seen
by a camera seldom does.

Thresholds are a floor that holds for any object, raised by how much this object changes anyway from
frame to frame (median absolute deviation). A doubtful frame costs a person a look, a missed one
costs the edit, so the floors are low.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.masks.facts import MaskFacts
from core.masks.sequence import MaskSequence

FlagReason = Literal["area", "centre", "empty", "full", "lost", "missed", "pieces", "unsure"]

FLAG_TEXTS: dict[FlagReason, str] = {
    "area": "the mask changes its size at once",
    "centre": "the mask jumps to another place",
    "empty": "the mask is gone",
    "full": "the mask fills the frame",
    "lost": "its masks are lost from here on: track it again",
    "missed": "nothing was found where it was marked",
    "pieces": "the mask falls to pieces",
    "unsure": "the segmenter is not sure of the mask",
}
"""What each reason looks like, in words for a person."""

_LEAST_GROWTH = float(np.log(1.35))  # of the area from one frame to the next
_LEAST_MOVE = 0.35  # of the root of the area: of the object's own size
_DEVIATIONS = 6.0
_FULL = 0.9  # of the frame
_STRAY = 0.1  # of the mask: a piece of this size more than usual is one too many
_UNSURE = 0.65  # quality below which a mask is doubtful (calibrated in the card of sam2-small)
_SURE = 0.75  # quality from which on pieces, or the time between two jumps, are no reason to look (same card)
_NEAR_EDGE = 3  # pixels: a mask that comes so close to the frame's edge may leave it
_LONGEST = 48  # frames between a jump of the mask and the jump back that belongs to it


@dataclass(frozen=True)
class QualityFlag:
    """A frame to look at, and why."""

    frame: int
    reason: FlagReason


def check_quality(
    masks: MaskSequence,
    frames: range,
    confirmed: Collection[int] = (),
    scene_cuts: Collection[int] = (),
    marked: Collection[int] = (),
) -> list[QualityFlag]:
    """Find the frames on which a person should look at the mask.

    Where a mask jumps and jumps back, all frames between are flagged of which the segmenter is not
    sure: which of a single jump's two sides is wrong nobody can tell. A thing that is missing is
    flagged where it was and will be again, and where it went without reaching the frame's edge or
    shrinking away; and where a person said that it is. A mask that the segmenter itself holds for
    wrong is flagged wherever it says so.

    Args:
        masks: The masks of one object.
        frames: The frames to check.
        confirmed: Frames that a person vouched for. They are never flagged; a jump is measured from
            them as from any other.
        scene_cuts: First frames of shots, across which everything may change.
        marked: Frames on which a prompt says that the object is there.

    Returns:
        The flags in the order of the frames, at most one a frame.
    """
    facts = {frame: masks.facts(frame) for frame in frames}
    seen = [frame for frame in frames if facts[frame].area]
    growth, moves = _changes(facts, frames, scene_cuts)
    most_growth = max(_LEAST_GROWTH, _usual(growth.values()))
    most_move = max(_LEAST_MOVE, _usual(moves.values()))
    usual_move = float(np.median([*moves.values()])) if moves else 0.0
    usual_area = float(np.median([facts[frame].area for frame in seen])) if seen else 0.0
    usual_pieces = int(np.median([len(facts[frame].pieces) for frame in seen])) if seen else 0
    whole = masks.size[0] * masks.size[1]

    found: dict[int, FlagReason] = {}
    odd: _Odd | None = None  # the jump back from it is no second reason
    for frame in frames:
        now, known = facts[frame], masks.quality(frame)
        reason: FlagReason | None = None
        if not now.area:
            gone = _vanished(facts, masks.size, frames, frame, scene_cuts)
            reason = "missed" if frame in marked else "empty" if gone else None
        elif now.area >= _FULL * whole and usual_area < _FULL * whole * 0.7:
            reason = "full"
        elif len(now.pieces) > usual_pieces and not _sure(known) and sum(now.pieces[usual_pieces:]) >= _STRAY * now.area:
            reason = "pieces"
        elif (grown := growth.get(frame, 0.0) > most_growth) or moves.get(frame, 0.0) > most_move:
            if odd is None or not odd.ends(frame, now, usual_move):
                reason = "area" if grown else "centre"
            else:
                found |= dict.fromkeys((one for one in odd.between(frame, confirmed) if not _sure(masks.quality(one))), odd.reason)
                odd = None
        if reason is not None:
            goes_on = odd is not None and odd.last == frame - 1
            odd = dataclasses.replace(odd, last=frame) if odd and goes_on else _Odd(frame, frame, reason, facts.get(frame - 1))
        elif known is not None and known < _UNSURE:
            reason = "unsure"
        if reason is not None and frame not in confirmed:
            found[frame] = reason
    return [QualityFlag(frame, reason) for frame, reason in sorted(found.items())]


def _sure(quality: float | None) -> bool:
    """Whether the segmenter has no doubt about a mask."""
    return quality is not None and quality >= _SURE


@dataclass(frozen=True)
class _Odd:
    """Frames `first` to `last` that jumped one after the other, why, and what was before them."""

    first: int
    last: int
    reason: FlagReason
    before: MaskFacts | None

    def ends(self, frame: int, now: MaskFacts, usual_move: float) -> bool:
        """Whether a jump on `frame` leads back to what was before, as far as the thing usually
        moves meanwhile, in its own sizes a frame.
        """
        if self.before is None or not self.before.area or frame - self.first > _LONGEST:
            return False
        reach = 2 * _LEAST_MOVE + usual_move * (frame - self.first)
        return abs(float(np.log(now.area / self.before.area))) < _LEAST_GROWTH and _distance(self.before, now) < reach

    def between(self, frame: int, confirmed: Collection[int]) -> range:
        """The frames between the jump and the one back; none where a person says that they are
        right.
        """
        frames = range(self.first + 1, frame)
        known = self.reason in ("area", "centre") and not any(one in confirmed for one in (self.first, *frames))
        return frames if known else range(0)


def _changes(facts: dict[int, MaskFacts], frames: range, scene_cuts: Collection[int]) -> tuple[dict[int, float], dict[int, float]]:
    """How much the object grew or shrank (log of the ratio), and how far it moved: on every frame
    where, as before it, it is to be seen.
    """
    area = np.array([facts[frame].area for frame in frames], float)
    centre = np.array([facts[frame].centre or (0.0, 0.0) for frame in frames], float).reshape(-1, 2)
    both = np.flatnonzero((area[1:] > 0) & (area[:-1] > 0)) + 1
    growth = np.abs(np.log(area[both] / area[both - 1]))
    moves = np.hypot(*(centre[both] - centre[both - 1]).T) / np.sqrt(np.maximum(area[both], area[both - 1]))
    counted = [(frames[i], grown, moved) for i, grown, moved in zip(both.tolist(), growth.tolist(), moves.tolist(), strict=True)]
    kept = [one for one in counted if one[0] not in scene_cuts]
    return {frame: grown for frame, grown, _ in kept}, {frame: moved for frame, _, moved in kept}


def _distance(first: MaskFacts, second: MaskFacts) -> float:
    """How far the centre moved, in sizes of the object."""
    assert first.centre is not None
    assert second.centre is not None
    size = float(np.sqrt(max(first.area, second.area)))
    return float(np.hypot(second.centre[0] - first.centre[0], second.centre[1] - first.centre[1])) / size


def _usual(values: Collection[float]) -> float:
    """More than this is unusual among these."""
    if not values:
        return 0.0
    array = np.fromiter(values, float)
    middle = float(np.median(array))
    return middle + _DEVIATIONS * 1.4826 * float(np.median(np.abs(array - middle)))


def _vanished(facts: dict[int, MaskFacts], size: tuple[int, int], frames: range, frame: int, scene_cuts: Collection[int]) -> bool:
    """Whether the mask should still be there on this frame: the first empty one, with no cut and no
    way out before it.
    """
    before = facts.get(frame - 1)
    if frame == frames.start or before is None or not before.area or frame in scene_cuts:
        return False
    back = next((later for later in range(frame + 1, frames.stop) if facts[later].area or later in scene_cuts), None)
    if back is not None and back not in scene_cuts:
        return True
    earlier = [facts[f].area for f in range(max(frames.start, frame - 8), frame)]
    shrunk = before.area < 0.25 * max(earlier)
    assert before.box is not None
    (x0, y0, x1, y1), (width, height) = before.box, size
    leaving = min(y0, x0, height - y1, width - x1) <= _NEAR_EDGE
    return not shrunk and not leaving
