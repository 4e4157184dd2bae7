"""The region to edit: the union of the objects that the edit is of, each adjusted in its own way."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.masks.operators import cleaned, shaped
from core.masks.sequence import MaskSequence
from core.masks.spans import Mask
from core.progress import JobContext
from core.project.tracks import MaskAdjustment


@dataclass(frozen=True)
class RegionPart:
    """One object of the region. It is smoothed over time between `cuts` only, the first frames of shots, in order."""

    masks: MaskSequence
    adjustment: MaskAdjustment
    cuts: tuple[int, ...] = ()

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
        """The object's mask without flicker and holes; None where it has none. Looks no further around than it has to."""
        part = self._part
        if part.masks.is_empty(frame):
            return None
        around = part.around(frame)
        self._masks = {f: self._masks[f] if f in self._masks else part.masks[f] for f in around}
        return cleaned(list(self._masks.values()), frame - around.start, part.adjustment)


def clean_mask(part: RegionPart, frame: int) -> Mask | None:
    """The object's mask on a frame, bool (H, W), without flicker and holes but not yet in its form; None where it has none."""
    return _Unpacked(part).cleaned(frame)


def region_at(parts: Sequence[RegionPart], frame: int, size: tuple[int, int]) -> Mask:
    """The region on one frame of (W, H), bool (H, W); all False where no part has a mask. InputError where a part misses the frame."""
    return _union([_Unpacked(part) for part in parts], parts, frame, size)


def adjusted(parts: Sequence[RegionPart], frames: range, context: JobContext | None = None) -> MaskSequence:
    """The region on `frames`, in the memory of as many frames as are smoothed over; reports to `context`, and stops when it says so.

    InputError for no parts, or where a part misses frames.
    """
    if not parts:
        raise InputError("the edit is of no object: choose at least one")
    size = parts[0].masks.size
    unpacked = [_Unpacked(part) for part in parts]

    def regions() -> Iterator[Mask]:
        for done, frame in enumerate(frames):
            if context is not None:
                context.report("adjusting the region", done, len(frames))
            yield _union(unpacked, parts, frame, size)

    return MaskSequence(size, frames.start, regions())


def _union(unpacked: Sequence[_Unpacked], parts: Sequence[RegionPart], frame: int, size: tuple[int, int]) -> Mask:
    region = np.zeros(size[::-1], np.bool_)
    for masks, part in zip(unpacked, parts, strict=True):
        mask = masks.cleaned(frame)
        if mask is not None:
            region |= shaped(mask, part.adjustment)
    return region
