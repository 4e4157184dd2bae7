"""The paper's measures of one edit (VIVID-10M, section 5.1), and what is known beside them.

Background preservation (BP): mean absolute difference from the source outside the region. Text
alignment (TA): CLIP's score of the region with the caption, over all frames. Temporal consistency
(TC): cosine of consecutive whole frames in CLIP's image space.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from core.evaluation.arrays import Frame, Frames, FrameSequence, Masks, MaskSequence
from core.evaluation.classifier import crop_square
from core.evaluation.clip_score import ClipScorer, neighbours
from core.evaluation.fidelity import flicker, Motion, psnr, ssim
from core.evaluation.hole_texture import gradient_energy
from core.evaluation.result_sets import at_rate

SLOW = Fraction(15, 2)
"""Frames a second that the paper brings clips down to where it compares with slower models."""
_CLIP_SIDE = 224


@dataclass(frozen=True)
class EditScores:
    """Of one result; NaN where something can't be measured.

    Attributes:
        alignment: TA, 100 times the cosine; not of a deletion, whose caption is fixed.
        consistency: TC at the result's own rate, times 100.
        consistency_slow: TC at 7.5 frames a second.
        consistency_region: TC of the square around the region alone.
        psnr: In the region, against the truth, dB.
        ssim: As `psnr`.
        flicker: In the region, along the motion of the truth, in levels.
        gradient: Detail in the region, as a share of the truth's.
    """

    alignment: float = math.nan
    consistency: float = math.nan
    consistency_slow: float = math.nan
    consistency_region: float = math.nan
    psnr: float = math.nan
    ssim: float = math.nan
    flicker: float = math.nan
    gradient: float = math.nan


def background_preservation(result: FrameSequence, source: FrameSequence, region: MaskSequence) -> float:
    """Measure what happened outside the region (BP); less is better.

    Args:
        result: (T, H, W, 3).
        source: Same shape.
        region: (T, H, W), True = edit.

    Returns:
        Mean over frames of the mean absolute difference outside, in 8-bit levels of a channel; NaN
        where the regions fill every frame.
    """
    levels = [
        float(np.abs(own.astype(np.int16) - true)[~inside].mean())
        for own, true, inside in zip(result, source, region, strict=True)
        if not inside.all()
    ]
    return float(np.mean(levels)) if levels else math.nan


def score_edit(
    result: Frames, times: list[Fraction], region: Masks, truth: Frames | None, caption: str | None, scorer: ClipScorer | None
) -> EditScores:
    """Score one result.

    Args:
        result: (T, H, W, 3).
        times: Of its frames, in seconds.
        region: (T, H, W).
        truth: What it should show, of the same shape; None where nobody knows.
        caption: What the region should show; None where that isn't to be scored.
        scorer: CLIP; without it its figures are NaN.

    Returns:
        The scores.
    """
    found: dict[str, float] = {}
    if scorer is not None:
        whole = scorer.images(result)
        found["consistency"], found["consistency_slow"] = neighbours(whole), neighbours(whole[at_rate(times, SLOW)])
        squares = [crop_square(frame, mask, _CLIP_SIDE) for frame, mask in zip(result, region, strict=True) if mask.any()]
        found["consistency_region"] = scorer.consistency(squares)
        if caption is not None:
            found["alignment"] = scorer.alignment_of(squares, caption)
    if truth is not None:
        found |= {
            "psnr": psnr(result, truth, region),
            "ssim": ssim(result, truth, region),
            "flicker": flicker(result, Motion(truth), region),
            "gradient": gradient_energy(result, truth, region),
        }
    return EditScores(**found)


def fitted(frame: Frame, size: tuple[int, int]) -> Frame:
    """A frame brought to (width, height), as a result of another size has to be."""
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    method = cv2.INTER_AREA if frame.shape[1] > size[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, size, interpolation=method), np.uint8)
