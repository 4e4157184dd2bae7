"""The region that a task is proposed: a form and an amount that suit it, until a person chooses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from core.masks.sequence import MaskSequence
from core.project.edits import Task
from core.project.tracks import MaskAdjustment, USUAL_ADJUSTMENT

_SAMPLES = 16
"""Frames that are looked at for the size of an object."""
_SHARE = 0.04
"""Of the side of a square as large as the object: how far around it a removal reaches."""
_BEYOND_THE_EDGE, _MOST = 2, 24
"""Pixels: at least so many more than the soft edge, which lies inside the region; at most so many
in all."""


def proposed_adjustment(task: Task, masks: Sequence[MaskSequence], now: MaskAdjustment) -> MaskAdjustment:
    """The adjustment that suits a task.

    A removal stays close to the object: the more is taken away, the more has to be made up. What
    is painted needs room for another outline.

    Args:
        task: What is done in the region.
        masks: Those of the objects to edit.
        now: The adjustment as it is: its soft edge, holes and smoothing stay.

    Returns:
        The same with another form and amount, in source pixels.
    """
    if task != "delete":
        return dataclasses.replace(now, form=USUAL_ADJUSTMENT.form, pixels=USUAL_ADJUSTMENT.pixels)
    wide = round(_SHARE * max(map(_side, masks), default=0.0))
    return dataclasses.replace(now, form="expand", pixels=max(now.feather + _BEYOND_THE_EDGE, min(wide, _MOST)))


def _side(masks: MaskSequence) -> float:
    """The side in pixels of a square as large as the object usually is; 0 where it has no mask."""
    frames = [frame for first, stop in masks.selected() for frame in range(first, stop)]
    some = frames[:: max(1, len(frames) // _SAMPLES)]
    return float(np.median([masks.facts(frame).area for frame in some]) ** 0.5) if some else 0.0
