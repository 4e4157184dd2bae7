"""How well masks agree: region similarity J and boundary accuracy F, as DAVIS defines them (Perazzi
et al., CVPR 2016)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from core.evaluation.arrays import Mask, MaskSequence

BOUNDARY_TOLERANCE = 0.008
"""How far two outlines may lie apart, as a share of the picture's diagonal."""
RECALL_LEVEL = 0.5
BACK_WITHIN = 10
"""Frames after an object's return within which it counts as found again."""


def region_similarity(found: Mask, truth: Mask) -> float:
    """J, intersection over union of two masks (H, W); 1 when both are empty."""
    union = int(np.count_nonzero(found | truth))
    return float(np.count_nonzero(found & truth)) / union if union else 1.0


def outline(mask: Mask) -> Mask:
    """Pixels whose right, lower or lower right neighbour is on the other side of the mask's edge;
    the picture's border is no edge."""
    edge = np.zeros_like(mask)
    edge[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    edge[:-1] |= mask[:-1] != mask[1:]
    edge[:-1, :-1] |= mask[:-1, :-1] != mask[1:, 1:]
    return edge


def boundary_accuracy(found: Mask, truth: Mask, tolerance: float = BOUNDARY_TOLERANCE) -> float:
    """Compute F, the harmonic mean of precision and recall of an outline.

    Args:
        found: Mask (H, W).
        truth: Mask (H, W).
        tolerance: How far the other outline may be from a pixel, as a share of the diagonal,
            rounded up to whole pixels.

    Returns:
        0 to 1: 1 when neither has an outline, 0 when only one has.
    """
    return _outline_agreement(found, truth, math.ceil(tolerance * math.hypot(*truth.shape)))


def _outline_agreement(found: Mask, truth: Mask, reach: int) -> float:
    """F with a tolerance of `reach` pixels."""
    own, true = outline(found), outline(truth)
    if not own.any() and not true.any():
        return 1.0
    if not own.any() or not true.any():
        return 0.0
    ys, xs = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (xs * xs + ys * ys <= reach * reach).astype(np.uint8)
    near_own, near_true = (cv2.dilate(edge.astype(np.uint8), disc) > 0 for edge in (own, true))
    precision, recall = float((own & near_true).sum() / own.sum()), float((true & near_own).sum() / true.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@dataclass(frozen=True)
class TrackScore:
    """Scores of one track over its frames, all in [0, 1] but `decay`, which is in [-1, 1]: the
    first quarter's mean J minus the last's.

    `f_pixel` is F with a tolerance of one pixel. `found_again` is the share of an object's returns
    to the picture after which it is found within BACK_WITHIN frames; None if it never returns.
    """

    j: float
    f: float
    j_first: float
    j_recall: float
    j_decay: float
    f_pixel: float
    found_again: float | None

    @property
    def j_and_f(self) -> float:
        """The mean of J and F."""
        return (self.j + self.f) / 2


def score_track(found: MaskSequence, truth: MaskSequence) -> TrackScore:
    """Score the masks of all frames of a clip, the prompted one included; both sequences are as
    long."""
    if len(found) != len(truth) or len(truth) == 0:
        raise ValueError(f"{len(found)} masks can't be scored against {len(truth)}")
    overlaps = [region_similarity(*pair) for pair in zip(found, truth, strict=True)]
    outlines = [boundary_accuracy(*pair) for pair in zip(found, truth, strict=True)]
    quarter = max(1, len(overlaps) // 4)
    return TrackScore(
        j=float(np.mean(overlaps)),
        f=float(np.mean(outlines)),
        j_first=overlaps[0],
        j_recall=float(np.mean([overlap > RECALL_LEVEL for overlap in overlaps])),
        j_decay=float(np.mean(overlaps[:quarter]) - np.mean(overlaps[-quarter:])),
        f_pixel=float(np.mean([_outline_agreement(*pair, 1) for pair in zip(found, truth, strict=True)])),
        found_again=_found_again(overlaps, [bool(mask.any()) for mask in truth]),
    )


def _found_again(overlaps: list[float], present: list[bool]) -> float | None:
    returns = [i for i in range(1, len(present)) if present[i] and not present[i - 1] and any(present[:i])]
    if not returns:
        return None
    return float(np.mean([any(overlap > RECALL_LEVEL for overlap in overlaps[i : i + BACK_WITHIN]) for i in returns]))
