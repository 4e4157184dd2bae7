"""How a propagation is sampled: as it was asked for, and as a quick look."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from core.project.edits import KeyframeEdit, SamplingSettings

if TYPE_CHECKING:
    from core.vivid.contract import VideoEngine

_SHARE = 0.4
"""Share of the usual steps that a quick look takes, and"""
_FEWEST = 4
"""how many it takes at least, where there are as many."""


def quick_steps(steps: int) -> int:
    """How many steps a quick look takes in place of so many; distilled weights need a few."""
    return max(2, min(steps, _FEWEST), round(steps * _SHARE))


def settings_of(asked: SamplingSettings, keyframe: KeyframeEdit) -> SamplingSettings:
    """The settings of a propagation. An edit without a keyframe has those of its own where nothing
    else was asked for.
    """
    if not keyframe.direct:
        return asked
    own = keyframe.settings
    return dataclasses.replace(
        asked,
        steps=own.steps if asked.steps is None else asked.steps,
        guidance=own.guidance if asked.guidance is None else asked.guidance,
        fit=asked.fit or own.fit,
    )


def half_size(model: VideoEngine) -> VideoEngine:
    """The same weights at half the working size: a quick look in about a quarter of the time."""
    cell = model.size_unit
    height, width = (max(cell, side // 2 // cell * cell) for side in model.working_size)
    return dataclasses.replace(model, working_size=(height, width))
