"""The region to edit: the union of the objects that the edit is of, each adjusted in its own
way.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import InputError
from core.masks.bounding_box import Mask
from core.masks.feather import Feather, feather_of_objects, Widths
from core.masks.operators import cleaned, shaped
from core.masks.sequence import MaskSequence
from core.progress import JobContext
from core.project.tracks import MaskAdjustment


@dataclass(frozen=True)
class RegionPart:
    """One object of the region. It is smoothed over time between `cuts` only, the first frames of
    shots, in order. On `exact` frames the mask is taken as it is, before it gets its form.
    """

    masks: MaskSequence
    adjustment: MaskAdjustment
    cuts: tuple[int, ...] = ()
    exact: frozenset[int] = frozenset()

    def around(self, frame: int) -> range:
        """The frames that say what flickers on this one."""
        reach, frames, at = self.adjustment.smooth, self.masks.frames, bisect_right(self.cuts, frame)
        first = max(frames.start, frame - reach, *self.cuts[at - 1 : at])
        return range(first, min(frames.stop, frame + reach + 1, *self.cuts[at : at + 1]))


class _Unpacked:
    """The masks of a few neighbouring frames, unpacked once while a window passes over them."""

    def __init__(self, part: RegionPart) -> None:
        self._part = part
        self._masks: dict[int, Mask] = {}

    def cleaned(self, frame: int) -> Mask | None:
        """The object's mask without flicker and holes; None where it has none. Looks no further
        around than it has to.
        """
        part = self._part
        if part.masks.is_empty(frame):
            return None
        if frame in part.exact:
            return part.masks[frame]
        around = part.around(frame)
        self._masks = {f: self._masks[f] if f in self._masks else part.masks[f] for f in around}
        return cleaned(list(self._masks.values()), frame - around.start, part.adjustment)


def clean_mask(part: RegionPart, frame: int) -> Mask | None:
    """The object's mask on a frame, bool (H, W), without flicker and holes but not yet in its form;
    None where it has none.
    """
    return _Unpacked(part).cleaned(frame)


def region_at(parts: Sequence[RegionPart], frame: int, size: tuple[int, int]) -> tuple[Mask, Widths]:
    """The region on one frame.

    Args:
        parts: The objects of the region.
        frame: A frame of the clip.
        size: The clip's (W, H).

    Returns:
        bool (H, W), all False where no part has a mask, and how wide its edge is.

    Raises:
        InputError: A part misses the frame.
    """
    return _union([_Unpacked(part) for part in parts], parts, frame, size)


def adjusted(parts: Sequence[RegionPart], frames: range, context: JobContext | None = None) -> tuple[MaskSequence, Feather]:
    """The region on many frames.

    Args:
        parts: The objects of the region, one at least.
        frames: The frames of the clip, in order.
        context: Reports frames, and can cancel.

    Returns:
        The region's masks, and how wide its edge is.

    Raises:
        InputError: There are no parts, or one misses a frame.
        Cancelled: A person stopped the job.
    """
    if not parts:
        raise InputError("no object is edited: choose at least one")
    size = parts[0].masks.size
    unpacked = [_Unpacked(part) for part in parts]
    region = MaskSequence.empty(size, frames.start, frames.stop)
    widths = sorted({part.adjustment.feather for part in parts})
    soft = [(pixels, MaskSequence.empty(size, frames.start, frames.stop)) for pixels in widths] if len(widths) > 1 else []
    for done, frame in enumerate(frames):
        if context is not None:
            context.report("adjusting the region", done, len(frames))
        mask, wide = _union(unpacked, parts, frame, size)
        region.set(frame, mask)
        for pixels, where in soft:
            where.set(frame, mask & (wide == pixels))
    return region, Feather(widths[0], tuple(soft))


def own_masks(parts: Sequence[RegionPart], frames: range) -> MaskSequence:
    """The objects themselves on many frames: without flicker and holes, but not in their form.

    Args:
        parts: The objects of the region, one at least.
        frames: The frames of the clip, in order.

    Returns:
        Their masks, all objects as one.

    Raises:
        InputError: There are no parts, or one misses a frame.
    """
    plain = [dataclasses.replace(part, adjustment=dataclasses.replace(part.adjustment, form="none", pixels=0)) for part in parts]
    return adjusted(plain, frames)[0]


def _union(unpacked: Sequence[_Unpacked], parts: Sequence[RegionPart], frame: int, size: tuple[int, int]) -> tuple[Mask, Widths]:
    there = ((masks.cleaned(frame), part.adjustment) for masks, part in zip(unpacked, parts, strict=True))
    return feather_of_objects(((shaped(mask, way), way.feather) for mask, way in there if mask is not None), size[::-1])
