"""The region that a task is proposed: a form and an amount that suit it, until a person chooses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from core.masks.sequence import MaskSequence
from core.project.edits import Task
from core.project.tracks import AdjustmentForm, MaskAdjustment, USUAL_ADJUSTMENT

_SAMPLES = 16
"""Frames that are looked at for the size of an object."""
_SHARE = 0.04
"""Of the side of a square as large as the object: how far around it a removal reaches."""
_BEYOND_THE_EDGE, _MOST = 2, 24
"""Pixels: at least so many more than the soft edge, which lies inside the region; at most so many
in all."""
_COMPACT = 0.9
"""Solidity of the mask of a thing that has nothing that sticks out. What the mask lacks of its hull
is more likely a part of the thing than background.
"""


def proposed_adjustment(
    task: Task, masks: Sequence[MaskSequence], now: MaskAdjustment, liked: AdjustmentForm | None = None
) -> MaskAdjustment:
    """The adjustment that suits a task.

    A removal stays close to the object: the more is taken away, the more has to be made up. Round
    an object without limbs it goes along the hull, since a part that the mask missed would stay as
    a speck. What is painted needs room for another outline.

    Args:
        task: What is done in the region.
        masks: Those of the objects to edit.
        now: The adjustment as it is: its soft edge, holes and smoothing stay.
        liked: The form that the video model does best with where it paints; None for any.

    Returns:
        The same with another form and amount, in source pixels.
    """
    if task != "delete":
        return dataclasses.replace(now, form=liked or USUAL_ADJUSTMENT.form, pixels=USUAL_ADJUSTMENT.pixels)
    wide = round(_SHARE * max(map(_side, masks), default=0.0))
    form: AdjustmentForm = "hull+expand" if masks and all(map(_is_compact, masks)) else "expand"
    return dataclasses.replace(now, form=form, pixels=max(now.feather + _BEYOND_THE_EDGE, min(wide, _MOST)))


def _some_frames(masks: MaskSequence) -> list[int]:
    """A few frames that show the object, over the whole clip."""
    frames = [frame for first, stop in masks.selected() for frame in range(first, stop)]
    return frames[:: max(1, len(frames) // _SAMPLES)]


def _side(masks: MaskSequence) -> float:
    """The side in pixels of a square as large as the object usually is; 0 where it has no mask."""
    areas = [masks.facts(frame).area for frame in _some_frames(masks)]
    return float(np.median(areas) ** 0.5) if areas else 0.0


def _is_compact(masks: MaskSequence) -> bool:
    """Whether the object usually has no limbs, and is in one piece."""
    solidities = [masks.facts(frame).solidity for frame in _some_frames(masks)]
    return bool(solidities) and float(np.median(solidities)) >= _COMPACT
