"""Masks that a person should be asked about before anything is made with them: they select nearly
everything, or all but one thing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from core.masks.bounding_box import Mask
from core.masks.sequence import MaskSequence

Doubt = Literal["", "full", "inverted"]

DOUBT_TEXTS: dict[Doubt, str] = {
    "full": "cover more than 95 % of the picture on every frame",
    "inverted": "reach round the whole border of the picture on every frame, as inverted masks do",
}
"""What each doubt is, behind the subject `the masks`."""

_FULL = 0.95  # of the picture
_MOST = 0.5  # of the picture: what covers less is no background
_BORDER = 0.95  # of the pixels along the border


def doubt_about(masks: MaskSequence, frames: Iterable[int]) -> Doubt:
    """Whether masks look as if something else was meant.

    Args:
        masks: The masks of one object, or of a region.
        frames: The frames that something was said of; empty masks are left out.

    Returns:
        `full` when each mask covers more than 95 % of the picture, `inverted` when each covers most
        of the picture and nearly all of its border; empty when there is no doubt.
    """
    whole = masks.size[0] * masks.size[1]
    shares = {frame: masks.facts(frame).area / whole for frame in frames if not masks.is_empty(frame)}
    if not shares or min(shares.values()) <= _MOST:
        return ""
    if min(shares.values()) > _FULL:
        return "full"
    return "inverted" if all(_along_border(masks[frame]) >= _BORDER for frame in shares) else ""


def inverted(masks: MaskSequence, frames: Iterable[int]) -> MaskSequence:
    """The masks with inside and outside swapped on some frames.

    Args:
        masks: The masks.
        frames: The frames of `masks` to swap on.

    Returns:
        A sequence of its own.
    """
    swapped = masks.copy()
    for frame in frames:
        swapped.set(frame, ~masks[frame])
    return swapped


def _along_border(mask: Mask) -> float:
    """The share of the border's pixels that lie inside."""
    return float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean())
