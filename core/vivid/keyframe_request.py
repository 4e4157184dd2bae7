"""What is asked of a model that paints tries of a keyframe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.masks import MaskSequence, Widths
from core.project.edits import SamplingSettings


@dataclass(frozen=True)
class KeyframeRequest:
    """Tries of an edit on one frame; see `PreparedKeyframe.tries`.

    Attributes:
        source: What is painted on, uint8 (H, W, 3).
        region: The region of the edit; that of `frame` is painted.
        frame: The frame's number.
        feather: The soft edge on it, as `KeyframeStudio.prepare` takes it.
        task: add, modify or delete.
        caption: What the region should show.
        seeds: One for each try.
        settings: Steps and guidance.
        start: A picture to start from, uint8 (H, W, 3).
        keep: The share of it that is kept.
    """

    source: NDArray[np.uint8]
    region: MaskSequence
    frame: int
    feather: Widths
    task: str
    caption: str
    seeds: tuple[int, ...]
    settings: SamplingSettings
    start: NDArray[np.uint8] | None = None
    keep: float = 0.0
