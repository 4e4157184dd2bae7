"""The region to edit: the union of objects, widened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.masks.operators import adjust
from core.masks.sequence import MaskSequence
from core.project.tracks import MaskAdjustment


def adjusted(sequences: Sequence[MaskSequence], frames: range, adjustment: MaskAdjustment) -> MaskSequence:
    """The union of `sequences` on `frames`, adjusted frame by frame in the memory of one frame. InputError where frames are missing."""
    region = MaskSequence.empty(sequences[0].size, frames.start, frames.stop)
    for frame in frames:
        masks = [sequence[frame] for sequence in sequences if not sequence.is_empty(frame)]
        if masks:
            region.set(frame, adjust(np.logical_or.reduce(masks), adjustment))
    return region
